"""From paths to documents: text, Markdown and JSON Lines, in files, folders or standard input."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from annals.encodings import UnreadableTextError, read_lines, read_text
from annals.folders import LeftOut, Unreadable, printable, walk
from annals.json_lines import Line, NotLinesError, is_array, numbered, words
from contracts.inbox import InboxDocument
from contracts.payload import Identifier
from contracts.text import is_blank

TEXT_SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown"})
LINES_SUFFIXES = frozenset({".jsonl", ".ndjson"})
JSON_SUFFIX = ".json"
"""Read as lines where such a file is named; in a folder it may be anything, and is left out."""
MAX_TITLE = 1024
_HEADING = re.compile(r"\s*#{1,6}[ \t]+([^\r\n]*)")
_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One document, read and found well-formed. `name` is what a message to a person calls it."""

    name: str
    document_id: str
    title: str
    text: str
    uri: str | None
    attributes: dict[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Refused:
    """One input that is no document, and why."""

    name: str
    reason: str


def load(paths: Sequence[str], stdin: BinaryIO) -> Iterator[Loaded | Refused | LeftOut]:
    """Every document under `paths` (`-` is JSON Lines or plain text from `stdin`), in a stable order.

    A broken or empty input comes back as Refused, what a folder holds besides documents as LeftOut; the rest go on.
    """
    for path in paths:
        if path == "-":
            yield from _from_stdin(stdin)
        else:
            yield from _from_path(Path(path))


def set_aside(inputs: Iterable[Loaded | Refused | LeftOut], left_out: list[LeftOut]) -> Iterator[Loaded | Refused]:
    """What is or was meant to be a document; the rest goes into `left_out`."""
    for one in inputs:
        if isinstance(one, LeftOut):
            left_out.append(one)
        else:
            yield one


def _from_path(path: Path) -> Iterator[Loaded | Refused | LeftOut]:
    name = printable(path)
    try:
        if path.is_dir():
            yield from _from_folder(path)
        elif path.is_file():
            yield from _from_file(path)
        elif path.is_symlink() and not path.exists():
            yield Refused(name, f"is a link to {printable(path.readlink())}, which does not exist")
        elif path.exists():
            yield Refused(name, "is neither a file nor a folder")
        else:
            yield Refused(name, "does not exist")
    except OSError as error:
        yield Refused(name, f"cannot be read: {error.strerror or error}")


def _from_folder(folder: Path) -> Iterator[Loaded | Refused | LeftOut]:
    empty = True
    real: set[Path] = set()
    for found in walk(folder, TEXT_SUFFIXES | LINES_SUFFIXES):
        match found:
            case LeftOut():
                yield found
                continue
            case Unreadable():
                yield Refused(printable(found.path), found.reason)
            case Path():
                # A link and what it leads to are one file.
                if found.resolve() not in real:
                    real.add(found.resolve())
                    yield from _from_file(found)
        empty = False
    if empty:
        yield Refused(printable(folder), "holds no .txt, .md or .jsonl file")


def _from_file(path: Path) -> Iterator[Loaded | Refused]:
    name = printable(path)
    try:
        if path.suffix.lower() in LINES_SUFFIXES | {JSON_SUFFIX}:
            with path.open("rb") as lines:
                yield from _from_lines(name, read_lines(lines))
        else:
            absolute = path.resolve()
            yield _document(
                name=name,
                document_id=str(absolute),
                raw=path.read_bytes(),
                title=path.stem,
                uri=absolute.as_uri(),
            )
    except OSError as error:
        yield Refused(name, f"cannot be read: {error.strerror or error}")


def _from_stdin(stdin: BinaryIO) -> Iterator[Loaded | Refused]:
    try:
        lines = read_lines(stdin)
        read = list(_until_filled(lines))
        if read and read[-1].lstrip().startswith(b"{"):
            yield from _from_lines("-", itertools.chain(read, lines))
            return
        raw = b"".join((*read, *lines))
    except UnreadableTextError as error:
        yield Refused("-", str(error))
        return
    if is_array(raw):
        # As lines it is refused, with what to do; as a text it would be taken.
        yield from _from_lines("-", raw.splitlines())
    else:
        yield _document(name="-", document_id="stdin", raw=raw, title="stdin", uri=None)


def _until_filled(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Blank lines, and the first one that is not."""
    for line in lines:
        yield line
        if line.strip():
            return


def _from_lines(name: str, lines: Iterable[bytes]) -> Iterator[Loaded | Refused]:
    found = False
    try:
        for number, line in numbered(lines):
            found = True
            yield _line(f"{name}:{number}", line)
    except (NotLinesError, UnreadableTextError) as error:
        yield Refused(name, str(error))
        return
    if not found:
        yield Refused(name, "is empty")


def _line(name: str, raw: bytes) -> Loaded | Refused:
    try:
        line = Line.model_validate_json(raw)
    except ValidationError as error:
        return Refused(name, words(error))
    return _checked(name, line.id, line.title, line.text, line.uri, line.attributes)


def _document(*, name: str, document_id: str, raw: bytes, title: str, uri: str | None) -> Loaded | Refused:
    try:
        text = read_text(raw)
    except UnreadableTextError as error:
        return Refused(name, str(error))
    return _checked(name, document_id, _heading(text) or title, text, uri, {})


def _heading(text: str) -> str | None:
    """The first Markdown heading, when the text starts with one."""
    found = _HEADING.match(text)
    return found[1].strip() or None if found else None


def _checked(
    name: str,
    document_id: str,
    title: str,
    text: str,
    uri: str | None,
    attributes: dict[str, str | int | float | bool | None],
) -> Loaded | Refused:
    if is_blank(text):
        return Refused(name, "holds no text" if not text.strip() else "holds no text, only invisible characters")
    try:
        checked = InboxDocument(title=title[:MAX_TITLE], text=text, uri=uri, attributes=attributes)
        _IDENTIFIER.validate_python(document_id)
    except ValidationError as error:
        return Refused(name, words(error))
    return Loaded(name, document_id, checked.title, checked.text, checked.uri, dict(checked.attributes))
