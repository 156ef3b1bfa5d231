"""A folder whose files are written, renamed and deleted at random, from a seed."""

import random
import shutil
from pathlib import Path


def change(folder: Path, chance: random.Random, files: int = 40) -> None:
    """One write, rename or deletion, of a file or of a folder with all in it."""
    inner = folder / f"folder{chance.randrange(4)}"
    path = inner / f"file{chance.randrange(files // 4)}.txt"
    there = sorted(one for one in folder.rglob("*") if one.is_file())
    match chance.choice(("write", "write", "write", "append", "rename", "replace", "delete", "move a folder")):
        case "write":
            inner.mkdir(exist_ok=True)
            path.write_text(f"Text {chance.random()}.")
        case "append" if there:
            with chance.choice(there).open("a") as file:
                file.write(f" More {chance.random()}.")
        case "rename" if there and inner.is_dir():
            chance.choice(there).rename(path)
        case "replace" if there:
            # As editors save: written beside it, then moved over it.
            chosen = chance.choice(there)
            (chosen.parent / ".saved").write_text(f"Saved {chance.random()}.")
            (chosen.parent / ".saved").rename(chosen)
        case "delete" if there:
            chance.choice(there).unlink()
        case "move a folder" if inner.is_dir() and not (folder / "moved").exists():
            inner.rename(folder / "moved")
            shutil.copytree(folder / "moved", inner)
            shutil.rmtree(folder / "moved")
