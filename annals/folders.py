"""The files of a folder that are documents, and what is left out, each with its reason.

Hidden files and folders (`.git`) and files of other kinds are left out. A link to a file counts as that file; a link to
a folder is not followed, since it may lead anywhere, or in a circle.
"""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HIDDEN = "hidden"
FOLDER_LINK = "link to a folder"
NO_FILE = "neither file nor folder"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something in a folder that was not meant, as far as can be told. `reason` is the same for all of a kind."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something in a folder that was meant, and cannot be read."""

    path: Path
    reason: str


def walk(folder: Path, suffixes: Collection[str]) -> Iterator[Path | LeftOut | Unreadable]:
    """All below a folder, by name; files with one of these suffixes (lower case) as paths."""
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        if path != folder:
            found = _looked_at(path, suffixes)
            if found is not None:
                yield found
                continue
        try:
            names = sorted(os.listdir(path))
        except OSError as error:
            yield Unreadable(path, f"cannot be read: {error.strerror or error}")
            continue
        # The last one in is the first one out.
        waiting.extend(path / name for name in reversed(names))


def _looked_at(path: Path, suffixes: Collection[str]) -> Path | LeftOut | Unreadable | None:
    """None for a folder that is to be entered."""
    name = printable(path)
    if path.name.startswith("."):
        return LeftOut(name, HIDDEN)
    wanted = path.suffix.lower() in suffixes
    try:
        if path.is_dir():
            return LeftOut(name, FOLDER_LINK) if path.is_symlink() else None
        if not wanted:
            return LeftOut(name, path.suffix.lower() or "without suffix")
        if path.is_file():
            return path
        if path.is_symlink() and not path.exists():
            return Unreadable(path, f"is a link to {printable(path.readlink())}, which does not exist")
        return LeftOut(name, NO_FILE)
    except OSError as error:
        return Unreadable(path, f"cannot be read: {error.strerror or error}")


def summary(left_out: Sequence[LeftOut]) -> str:
    """One line: how many of each kind, the most frequent first; what is not told by its kind with an example."""
    counts = Counter(one.reason for one in left_out)
    examples = {one.reason: one.name for one in reversed(left_out)}
    return ", ".join(
        f"{count} {reason}" if reason.startswith(".") else f"{count} {reason} ({_example(count)}{examples[reason]})"
        for reason, count in counts.most_common()
    )


def _example(count: int) -> str:
    return "the first: " if count > 1 else ""


def printable(path: Path) -> str:
    """A file's name need not be UTF-8, but what is shown must be."""
    return str(path).encode("utf-8", "backslashreplace").decode()
