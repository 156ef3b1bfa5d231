"""One look at a folder: which files are in it that are meant, and in what state each is."""

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from annals.folders import LeftOut, Selection, Unreadable, is_selected, walk
from annals.loading import Loaded
from annals.stored import StoredDocument
from contracts.lines import file_of_line


@dataclass(frozen=True, slots=True)
class Signature:
    """Changes whenever a file does: times in nanoseconds, as the file system has them."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @property
    def newest_s(self) -> float:
        """The last change of content or of name and rights, in seconds of the wall clock."""
        return max(self.modified_ns, self.changed_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Scan:
    """`files`: of each real path, how the file is called here and its signature. `folders`: those looked into.

    `gone`: of the files that were asked for, those that are no more. `device`: where the folder is; None where it
    cannot be looked into, and nothing is known.
    """

    files: Mapping[Path, tuple[Path, Signature]]
    gone: frozenset[Path]
    folders: Sequence[Path]
    unreadable: Sequence[Unreadable]
    device: int | None
    is_empty: bool


def scan(folder: Path, selection: Selection, known: Iterable[Path] = ()) -> Scan:
    """`known`: real paths of files that were in it once. Raises WrongPatternError."""
    files: dict[Path, tuple[Path, Signature]] = {}
    entered: list[Path] = []
    unreadable: list[Unreadable] = []
    left_out = 0
    for found in walk(folder, selection, entered):
        match found:
            case LeftOut():
                left_out += 1
            case Unreadable():
                unreadable.append(found)
            case Path():
                try:
                    real = found.resolve()
                    # A link and what it leads to are one file.
                    files.setdefault(real, (found, signature(real)))
                except FileNotFoundError:
                    continue
                except (OSError, RuntimeError) as error:
                    unreadable.append(Unreadable(found, f"cannot be read: {getattr(error, 'strerror', None) or error}"))
    try:
        root, device = folder.resolve(), folder.stat().st_dev if folder in entered else None
    except OSError:
        root, device = folder, None
    gone = {
        path
        for path in known
        if device is not None
        and path not in files
        and is_selected(path.relative_to(root).as_posix(), selection)
        and _is_gone(path)
    }
    is_empty = not (files or left_out or unreadable or len(entered) > 1)
    return Scan(files, frozenset(gone), entered, unreadable, device, is_empty)


def signature(path: Path) -> Signature:
    """Of the file that it leads to. Raises OSError."""
    found = path.stat()
    return Signature(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _is_gone(path: Path) -> bool:
    """Whether no file is there any more under this very path; what cannot be looked at may be."""
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode) or Path(os.path.realpath(path, strict=True)) != path
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def file_of_document(document: StoredDocument | Loaded, root: Path) -> Path | None:
    """The file below `root` that a document was read from, or is a line of; None where it came from elsewhere."""
    lines = file_of_line(document.attributes)
    if not lines:
        return file_of(document.document_id, document.uri, root)
    path = _path_of(lines)
    return path if path is not None and root in path.parents else None


def file_of(document_id: str, uri: str | None, root: Path) -> Path | None:
    """The file below `root` that a document was read from; None where it came from elsewhere.

    Its id is the file's path, with `#PART` for a part of it, and its address says the same (`services.storage.files`).
    """
    address, _, part = (uri or "").partition("#")
    path = _path_of(address)
    if path is None or root not in path.parents:
        return None
    of_file = document_id.startswith(f"{path}#") if part else document_id == str(path)
    return path if of_file else None


def _path_of(address: str) -> Path | None:
    """Of a `file:` address without a fragment."""
    try:
        parts = urlsplit(address)
        path = Path(os.fsdecode(unquote_to_bytes(parts.path)))
    except ValueError:
        return None
    other = parts.scheme != "file" or parts.netloc or parts.query or parts.fragment or ".." in path.parts
    return None if other else path
