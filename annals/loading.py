"""From paths to documents: text, Markdown and JSON Lines, in files, folders or standard input."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from contracts.codec import plain
from contracts.inbox import InboxDocument
from contracts.payload import Attributes, Identifier

TEXT_SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown"})
LINES_SUFFIXES = frozenset({".jsonl", ".ndjson"})
MAX_TITLE = 1024


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


class _Line(BaseModel):
    """One JSON line: `{"id", "title", "text"}`, optionally `uri` and `attributes`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Identifier
    title: str = ""
    text: str
    uri: str | None = None
    attributes: Annotated[Attributes, Field(default_factory=dict)]

    @field_validator("id", mode="before")
    @classmethod
    def _number_is_a_name(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def load(paths: Sequence[str], stdin: BinaryIO) -> Iterator[Loaded | Refused]:
    """Every document under `paths` (`-` is JSON Lines or plain text from `stdin`), in a stable order.

    A broken or empty input comes back as Refused; the rest go on.
    """
    for path in paths:
        if path == "-":
            yield from _from_stdin(stdin)
        else:
            yield from _from_path(Path(path))


def _from_path(path: Path) -> Iterator[Loaded | Refused]:
    if path.is_dir():
        files = sorted(
            file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in TEXT_SUFFIXES | LINES_SUFFIXES
        )
        if not files:
            yield Refused(str(path), "holds no .txt, .md or .jsonl file")
        for file in files:
            yield from _from_file(file)
    elif path.is_file():
        yield from _from_file(path)
    elif path.exists():
        yield Refused(str(path), "is neither a file nor a folder")
    else:
        yield Refused(str(path), "does not exist")


def _from_file(path: Path) -> Iterator[Loaded | Refused]:
    try:
        if path.suffix.lower() in LINES_SUFFIXES:
            with path.open("rb") as lines:
                yield from _from_lines(str(path), lines)
        else:
            absolute = str(path.resolve())
            yield _document(
                name=str(path),
                document_id=absolute,
                raw=path.read_bytes(),
                title=path.stem,
                uri=path.resolve().as_uri(),
            )
    except OSError as error:
        yield Refused(str(path), f"cannot be read: {error.strerror or error}")


def _from_stdin(stdin: BinaryIO) -> Iterator[Loaded | Refused]:
    first = stdin.readline()
    while first and not first.strip():
        first = stdin.readline()
    if first.lstrip().startswith(b"{"):
        yield from _from_lines("-", _chain(first, stdin))
    else:
        yield _document(name="-", document_id="stdin", raw=first + stdin.read(), title="stdin", uri=None)


def _chain(first: bytes, rest: BinaryIO) -> Iterator[bytes]:
    yield first
    yield from rest


def _from_lines(name: str, lines: "Iterator[bytes] | BinaryIO") -> Iterator[Loaded | Refused]:
    found = False
    for number, raw in enumerate(lines, start=1):
        if raw.strip():
            found = True
            yield _line(f"{name}:{number}", raw)
    if not found:
        yield Refused(name, "is empty")


def _line(name: str, raw: bytes) -> Loaded | Refused:
    try:
        line = _Line.model_validate_json(raw)
    except ValidationError as error:
        return Refused(name, plain(error))
    return _checked(name, line.id, line.title, line.text, line.uri, line.attributes)


def _document(*, name: str, document_id: str, raw: bytes, title: str, uri: str | None) -> Loaded | Refused:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Refused(name, f"is not UTF-8 text: byte {error.start} is {raw[error.start]:#04x}; convert it first")
    return _checked(name, document_id, _heading(text) or title, text, uri, {})


def _heading(text: str) -> str | None:
    """The first Markdown heading, when the text starts with one."""
    first = text.lstrip().split("\n", 1)[0]
    return first.lstrip("#").strip() or None if first.startswith("#") else None


def _checked(
    name: str,
    document_id: str,
    title: str,
    text: str,
    uri: str | None,
    attributes: dict[str, str | int | float | bool | None],
) -> Loaded | Refused:
    if not text.strip():
        return Refused(name, "holds no text")
    try:
        checked = InboxDocument(title=title[:MAX_TITLE], text=text, uri=uri, attributes=attributes)
    except ValidationError as error:
        return Refused(name, plain(error))
    if len(document_id) > MAX_TITLE or any(ord(character) < 32 for character in document_id):
        return Refused(name, "has an id that is too long or holds control characters")
    return Loaded(name, document_id, checked.title, checked.text, checked.uri, dict(checked.attributes))
