"""The files of a folder that are documents, and what is left out, each with its reason.

Hidden files and folders (`.git`), what `.gitignore` names and what the caller excludes are left out. A link to a file
counts as that file; a link to a folder is not followed, since it may lead anywhere, or in a circle.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from contracts.errors import AnnalsError

HIDDEN = "hidden"
FOLDER_LINK = "link to a folder"
NO_FILE = "neither file nor folder"
IGNORED = "named by .gitignore"
EXCLUDED = "excluded"
OUTSIDE = "not among --glob"
GITIGNORE_BYTES = 1_048_576


class WrongPatternError(AnnalsError):
    """A pattern cannot be read; write it as .gitignore has them, as in '*.md' or 'drafts/'."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of a folder are meant: patterns as `.gitignore` has them (gitignore(5)), from the folder on.

    Of files, those of `globs` alone (all where there are none); of files and folders, none of `excludes`.
    """

    globs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


ALL = Selection()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something in a folder that was not meant, as far as can be told.

    `reason` is the same for all of a kind; `why` says more of this one, where there is more to say.
    """

    name: str
    reason: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something in a folder that was meant, and cannot be read."""

    path: Path
    reason: str


def walk(
    folder: Path, selection: Selection = ALL, entered: list[Path] | None = None
) -> Iterator[Path | LeftOut | Unreadable]:
    """All below a folder, by name; files that are meant as paths. Raises WrongPatternError.

    `entered` gets all folders that were looked into, this one too.
    """
    globs, excludes = _spec(selection.globs), _spec(selection.excludes)
    # Folders with a .gitignore above what is being looked at, the nearest last.
    waiting: list[tuple[Path, tuple[tuple[Path, GitIgnoreSpec], ...]]] = [(folder, _above(folder))]
    while waiting:
        path, ignoring = waiting.pop()
        if path != folder:
            found = _looked_at(path)
            is_folder = found is None
            if not isinstance(found, LeftOut) or found.reason != HIDDEN:
                inside = path.relative_to(folder).as_posix() + "/" * is_folder
                if excludes is not None and excludes.match_file(inside):
                    found = LeftOut(printable(path), EXCLUDED)
                elif _is_ignored(path, is_folder, ignoring):
                    found = LeftOut(printable(path), IGNORED)
                elif isinstance(found, Path) and globs is not None and not globs.match_file(inside):
                    found = LeftOut(printable(path), OUTSIDE)
            if found is not None:
                yield found
                continue
        try:
            names = sorted(os.listdir(path))
        except OSError as error:
            yield Unreadable(path, f"cannot be read: {error.strerror or error}")
            continue
        if entered is not None:
            entered.append(path)
        if ".gitignore" in names:
            ignoring = (*ignoring, *_gitignore(path))
        # The last one in is the first one out.
        waiting.extend((path / name, ignoring) for name in reversed(names))


def is_selected(inside: str, selection: Selection) -> bool:
    """Whether the patterns mean a file at this path within the folder, there or not. Raises WrongPatternError."""
    globs, excludes = _spec(selection.globs), _spec(selection.excludes)
    if excludes is not None and excludes.match_file(inside):
        return False
    return globs is None or globs.match_file(inside)


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec | None:
    try:
        return GitIgnoreSpec.from_lines(patterns) if patterns else None
    except ValueError as error:
        raise WrongPatternError(f"a pattern cannot be read: {error}; write it as .gitignore has them") from None


def _above(folder: Path) -> tuple[tuple[Path, GitIgnoreSpec], ...]:
    """Of the repository that the folder lies in, if it does: the .gitignore files above it."""
    above: list[Path] = []
    absolute = folder.resolve()
    if (absolute / ".git").exists():
        return ()
    for parent in absolute.parents:
        above.append(parent)
        if (parent / ".git").exists():
            return tuple(one for path in reversed(above) for one in _gitignore(path))
    return ()


def _gitignore(folder: Path) -> Iterator[tuple[Path, GitIgnoreSpec]]:
    file = folder / ".gitignore"
    try:
        if file.is_file() and file.stat().st_size <= GITIGNORE_BYTES:
            lines = file.read_text("utf-8", "surrogateescape").splitlines()
            yield folder.absolute(), GitIgnoreSpec.from_lines(lines)
    except (OSError, ValueError):
        return  # as git does


def _is_ignored(path: Path, is_folder: bool, ignoring: Sequence[tuple[Path, GitIgnoreSpec]]) -> bool:
    """The nearest .gitignore that says anything of a path decides."""
    for folder, spec in reversed(ignoring):
        try:
            inside = path.absolute().relative_to(folder).as_posix()
        except ValueError:
            inside = path.resolve().relative_to(folder.resolve()).as_posix()
        said = spec.check_file(inside + "/" * is_folder).include
        if said is not None:
            return said
    return False


def _looked_at(path: Path) -> Path | LeftOut | Unreadable | None:
    """None for a folder that is to be entered."""
    name = printable(path)
    if path.name.startswith("."):
        return LeftOut(name, HIDDEN)
    try:
        if path.is_dir():
            return LeftOut(name, FOLDER_LINK) if path.is_symlink() else None
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
