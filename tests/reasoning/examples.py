"""The articles of `examples/` as passages, and readers over them that keep everything in memory."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "examples"


def articles() -> dict[str, tuple[str, str]]:
    """Title and text by the file's name; a text begins with its heading, as it is taken in."""
    found = {}
    for file in sorted(FOLDER.glob("*.md")):
        text = file.read_text("utf-8").strip()
        found[file.stem] = (text.splitlines()[0].removeprefix("# "), text)
    return found
