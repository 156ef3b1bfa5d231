"""From paths to documents: files of all formats that have readers, and JSON Lines; in folders or standard input."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from annals.encodings import UnreadableTextError, read_lines, starts_lines, without_mark
from annals.folders import ALL, LeftOut, Selection, Unreadable, printable, walk
from annals.json_lines import Line, NotLinesError, id_of, is_array, is_of_documents, numbered, words
from contracts.inbox import InboxDocument
from contracts.lines import LINE_OF
from contracts.payload import Identifier, Scalar
from contracts.text import is_blank
from inference.formats.child import DEFAULT_LIMITS, FileReader, ReadLimits
from inference.formats.document import NotRead
from services.storage.files import ORIGINAL, attributes_of, part_of, title_of

LINES_SUFFIXES = frozenset({".jsonl", ".ndjson"})
JSON_SUFFIX = ".json"
"""Read as lines where it holds documents with an `id` and a `text`, else as one document."""
MAX_TITLE = 1024
BLANK = "holds no text"
_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How files are read: which of a folder, by which encoding, whether archives are opened, and what one may cost.

    `originals`: whether the bytes of a file go with its first document.
    """

    selection: Selection = ALL
    encoding: str | None = None
    archives: bool = False
    originals: bool = False
    limits: ReadLimits = DEFAULT_LIMITS


DEFAULT = LoadOptions()


@dataclass(frozen=True, slots=True)
class Loaded:
    """One document, read and found well-formed. `name` is what a message to a person calls it; `warnings` are such.

    `original`: the bytes of its file, where they are to be kept.
    """

    name: str
    document_id: str
    title: str
    text: str
    uri: str | None
    attributes: dict[str, str | int | float | bool | None]
    warnings: tuple[str, ...] = ()
    original: bytes | None = None

    @property
    def size(self) -> int:
        """Characters of its text and bytes of its file, which is most of what it takes."""
        return len(self.text) + len(self.original or b"")


@dataclass(frozen=True, slots=True)
class Refused:
    """One input that is no document, and why. `document_id`: which it would have been, where that can be told."""

    name: str
    reason: str
    document_id: str | None = None

    @property
    def is_blank(self) -> bool:
        """Whether it could be read, and says nothing."""
        return self.reason.startswith(BLANK)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Documents that are stored as they are."""

    document_ids: tuple[str, ...]


def load(paths: Sequence[str], stdin: BinaryIO, options: LoadOptions = DEFAULT) -> Iterator[Loaded | Refused | LeftOut]:
    """Every document under `paths` (`-` is JSON Lines or a file from `stdin`), in a stable order.

    A broken or empty input comes back as Refused, what a folder holds besides documents as LeftOut; the rest go on.
    """
    with FileReader(options.limits) as reader:
        loading = Loader(reader, options)
        for path in paths:
            if path == "-":
                yield from loading.from_stdin(stdin)
            else:
                yield from loading.from_path(Path(path))


def set_aside(inputs: Iterable[Loaded | Refused | LeftOut], left_out: list[LeftOut]) -> Iterator[Loaded | Refused]:
    """What is or was meant to be a document; the rest goes into `left_out`."""
    for one in inputs:
        if isinstance(one, LeftOut):
            left_out.append(one)
        else:
            yield one


class Loader:
    """Reads files and folders by one reader, for one thread."""

    def __init__(self, reader: FileReader, options: LoadOptions) -> None:
        self._reader = reader
        self._options = options

    def from_path(self, path: Path) -> Iterator[Loaded | Refused | LeftOut]:
        """A file or a folder that was named."""
        name = printable(path)
        try:
            if path.is_dir():
                yield from self._from_folder(path)
            elif path.is_file():
                for found in self.from_file(path):
                    # Whoever names a file means it.
                    yield Refused(found.name, found.why) if isinstance(found, LeftOut) and found.name == name else found
            elif path.is_symlink() and not path.exists():
                yield Refused(name, f"is a link to {printable(path.readlink())}, which does not exist")
            elif path.exists():
                yield Refused(name, "is neither a file nor a folder")
            else:
                yield Refused(name, "does not exist")
        except OSError as error:
            yield Refused(name, f"cannot be read: {error.strerror or error}")

    def from_stdin(self, stdin: BinaryIO) -> Iterator[Loaded | Refused | LeftOut]:
        """JSON Lines, or one file of any kind."""
        read = list(_until_filled(stdin))
        if read and starts_lines(read[-1]):
            yield from _from_lines("-", read_lines(io.BufferedReader(_Chained(b"".join(read), stdin))), {})
            return
        raw = b"".join((*read, *stdin))
        if is_array(raw):
            # As lines it is refused, with what to do; as a text it would be taken.
            yield from _from_lines("-", raw.splitlines(), {})
        else:
            for found in documents_of(self._reader, self._options, "-", raw, "stdin", "stdin", None):
                yield Refused("-", found.why) if isinstance(found, LeftOut) and found.name == "-" else found

    def _from_folder(self, folder: Path) -> Iterator[Loaded | Refused | LeftOut]:
        empty = True
        real: set[Path] = set()
        for found in walk(folder, self._options.selection):
            match found:
                case LeftOut():
                    yield found
                case Unreadable():
                    yield Refused(printable(found.path), found.reason)
                    empty = False
                case Path():
                    # A link and what it leads to are one file.
                    if found.resolve() in real:
                        continue
                    real.add(found.resolve())
                    for document in self.from_file(found):
                        empty = empty and isinstance(document, LeftOut)
                        yield document
        if empty:
            yield Refused(printable(folder), "holds no file that can be read")

    def from_file(self, path: Path) -> Iterator[Loaded | Refused | LeftOut]:
        """Of a file that was found in a folder; of no kind that has text, it is left out."""
        name = printable(path)
        try:
            suffix = path.suffix.lower()
            if suffix in LINES_SUFFIXES:
                with path.open("rb") as lines:
                    yield from _from_lines(name, read_lines(lines), {LINE_OF: path.resolve().as_uri()})
                return
            size, limit = path.stat().st_size, self._options.limits.file_bytes
            if size > limit:
                yield Refused(name, f"is {size:,} bytes and the limit is {limit:,}; split it or raise max_file_bytes")
                return
            raw = path.read_bytes()
            if suffix == JSON_SUFFIX and is_of_documents(raw):
                yield from _from_lines(name, read_lines(io.BytesIO(raw)), {LINE_OF: path.resolve().as_uri()})
                return
            absolute = path.resolve()
            yield from documents_of(self._reader, self._options, name, raw, path.name, str(absolute), absolute.as_uri())
        except OSError as error:
            yield Refused(name, f"cannot be read: {error.strerror or error}")


def documents_of(
    reader: FileReader,
    options: LoadOptions,
    name: str,
    raw: bytes,
    file_name: str,
    document_id: str,
    uri: str | None,
) -> Iterator[Loaded | Refused | LeftOut]:
    """The documents of a file, whatever it is called: `name` in messages, `file_name` as a hint of what it is."""
    original = raw if options.originals else None
    for found in reader.read(raw, file_name, encoding=options.encoding, archives=options.archives):
        named = f"{name}#{found.part}" if found.part else name
        if isinstance(found, NotRead):
            if found.unsupported:
                suffix = Path(found.part or file_name).suffix.lower()
                yield LeftOut(named, suffix or "without suffix", found.reason)
            else:
                yield Refused(named, found.reason)
            continue
        document = _checked(
            named,
            part_of(document_id, found.part),
            title_of(found, file_name),
            found.text,
            f"{uri}#{quote(found.part)}" if uri is not None and found.part else uri,
            attributes_of(found),
            found.warnings,
        )
        if isinstance(document, Loaded) and original is not None:
            attributes = {**document.attributes, ORIGINAL: sha256(original).hexdigest()}
            document, original = replace(document, attributes=attributes, original=original), None
        yield document


class _Chained(io.RawIOBase):
    """Bytes that were read already, then the rest of their stream."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first = first
        self._rest = rest

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As `io.RawIOBase`."""
        found, self._first = self._first[: len(buffer)], self._first[len(buffer) :]
        found = found or self._rest.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def _until_filled(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Blank lines, and the first one that is not."""
    for line in lines:
        yield line
        if without_mark(line).strip():
            return


def _from_lines(name: str, lines: Iterable[bytes], of_file: Mapping[str, Scalar]) -> Iterator[Loaded | Refused]:
    """`of_file`: attributes of each of them."""
    found = False
    try:
        for number, line in numbered(lines):
            found = True
            yield _line(f"{name}:{number}", line, of_file)
    except (NotLinesError, UnreadableTextError) as error:
        yield Refused(name, str(error))
        return
    if not found:
        yield Refused(name, f"{BLANK}: it is empty")


def _line(name: str, raw: bytes, of_file: Mapping[str, Scalar]) -> Loaded | Refused:
    try:
        line = Line.model_validate_json(raw)
    except ValidationError as error:
        return Refused(name, words(error), id_of(raw))
    return _checked(name, line.id, line.title, line.text, line.uri, {**line.attributes, **of_file})


def _checked(
    name: str,
    document_id: str,
    title: str,
    text: str,
    uri: str | None,
    attributes: dict[str, str | int | float | bool | None],
    warnings: tuple[str, ...] = (),
) -> Loaded | Refused:
    if is_blank(text):
        return Refused(name, BLANK if not text.strip() else f"{BLANK}, only invisible characters", document_id)
    try:
        checked = InboxDocument(title=title[:MAX_TITLE], text=text, uri=uri, attributes=attributes)
        _IDENTIFIER.validate_python(document_id)
    except ValidationError as error:
        return Refused(name, words(error), document_id)
    return Loaded(name, document_id, checked.title, checked.text, checked.uri, dict(checked.attributes), warnings)
