"""A folder whose files are written, renamed and deleted at random, from a seed."""

import json
import random
import shutil
from pathlib import Path

CHANGES = (
    *("write", "write", "write", "append", "rename", "replace", "delete", "move a folder"),
    *("write lines", "append a line", "remove a line", "rename lines"),
)
LINES = "line of"
"""How ids of lines begin: behind it stands the folder."""


def _line(folder: Path, chance: random.Random) -> str:
    """One document of few: several files hold it, now and then, and one twice."""
    document = {"id": f"{LINES} {folder}: {chance.randrange(8)}", "text": f"Line {chance.random()}."}
    return json.dumps(document) + "\n"


def change(folder: Path, chance: random.Random, files: int = 40) -> None:
    """One write, rename or deletion, of a file or of a folder with all in it."""
    inner = folder / f"folder{chance.randrange(4)}"
    path = inner / f"file{chance.randrange(files // 4)}.txt"
    lines = inner / f"lines{chance.randrange(3)}.jsonl"
    there = sorted(one for one in folder.rglob("*.txt") if one.is_file())
    match chance.choice(CHANGES):
        case "write":
            inner.mkdir(exist_ok=True)
            path.write_text(f"Text {chance.random()}.")
        case "write lines":
            inner.mkdir(exist_ok=True)
            lines.write_text("".join(_line(folder, chance) for _ in range(chance.randrange(6))))
        case "append a line" if lines.exists():
            with lines.open("a") as file:
                file.write(_line(folder, chance))
        case "remove a line" if lines.exists():
            lines.write_text("".join(lines.read_text().splitlines(keepends=True)[1:]))
        case "rename lines" if lines.exists():
            lines.rename(lines.with_name(f"lines{chance.randrange(3)}.jsonl"))
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
