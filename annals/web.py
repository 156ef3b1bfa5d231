"""Documents from the web: fetched before they are read, and only where they are not what is stored already.

A document's id is its address. What the server calls its content (`etag`, `last_modified`) becomes attributes, by which
the next time is asked whether there is something new.
"""

import mimetypes
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from annals.folders import LeftOut
from annals.loading import Loaded, LoadOptions, Refused, Unchanged, documents_of
from annals.stored import Stored, StoredDocument
from inference.formats.child import FileReader
from services.fetching.fetcher import Fetched, NotFetchedError, UrlFetcher, parsed
from services.storage.files import MAX_VALUE

VALIDATORS = ("etag", "last_modified")
ADDED = frozenset({"language", "original"})
"""What a document may have beside what its file says of itself."""


@dataclass(frozen=True, slots=True)
class UrlFile:
    """What an address gave: a file, or None where it is what it was. `stored`: its documents before, by id."""

    url: str
    file: Path | None
    name: str
    validators: Mapping[str, str]
    stored: Mapping[str, StoredDocument]


def is_url(path: str) -> bool:
    """Whether it is meant as an address of the web."""
    return path.lower().startswith(("http://", "https://"))


class WebFiles:
    """The files behind addresses, which are deleted at the end; a context manager."""

    def __init__(self, options: LoadOptions) -> None:
        self._options = options
        self._folder = tempfile.TemporaryDirectory(prefix="annals-fetched-")
        self._found: dict[str, UrlFile | Refused] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    async def fetch(self, urls: Sequence[str], fetcher: UrlFetcher, stored: Stored) -> None:
        """One after another; what cannot be had is refused later. Raises what `stored` raises."""
        for url in dict.fromkeys(urls):
            try:
                self._found[url] = await self._fetched(url, fetcher, stored)
            except NotFetchedError as error:
                self._found[url] = Refused(url, str(error))

    def documents(self, urls: Iterable[str]) -> Iterator[Loaded | Refused | Unchanged]:
        """Of addresses that were fetched. Whoever names one means it: of no kind that has text, it is refused."""
        with FileReader(self._options.limits) as reader:
            for url in urls:
                found = self._found[url]
                if isinstance(found, Refused):
                    yield found
                elif found.file is None:
                    yield Unchanged(tuple(found.stored))
                else:
                    yield from self._read(reader, found, found.file)

    def _read(self, reader: FileReader, found: UrlFile, file: Path) -> Iterator[Loaded | Refused | Unchanged]:
        read = documents_of(reader, self._options, found.url, file.read_bytes(), found.name, found.url, found.url)
        for one in read:
            match one:
                case LeftOut():
                    yield Refused(one.name, one.why)
                case Loaded():
                    yield _unless_same(one, found)
                case Refused():
                    yield one

    async def _fetched(self, given: str, fetcher: UrlFetcher, stored: Stored) -> UrlFile:
        url = str(parsed(given))
        # Of one file there may be several documents: it, and `URL#PART`.
        there = {
            one.document_id: one
            for one in await stored.below(url)
            if one.document_id == url or one.document_id.startswith(f"{url}#")
        }
        answer = await fetcher.fetch(url, **self._conditions(there))
        if answer is None:
            return UrlFile(url, None, "", {}, there)
        file = Path(self._folder.name) / str(len(self._found))
        file.write_bytes(answer.content)
        told = {"etag": answer.etag, "last_modified": answer.last_modified}
        validators = {name: value for name, value in told.items() if value and len(value) <= MAX_VALUE}
        return UrlFile(url, file, _name(answer), validators, there)

    def _conditions(self, there: Mapping[str, StoredDocument]) -> dict[str, str]:
        """None where the same content is to be read otherwise than before, or its bytes are to be kept."""
        options = self._options
        if not there or options.encoding is not None or options.archives or options.originals:
            return {}
        told = next(iter(there.values())).attributes
        return {name: told[name] for name in VALIDATORS if isinstance(told.get(name), str)}


def _unless_same(one: Loaded, file: UrlFile) -> Loaded | Unchanged:
    """Some servers call the same content otherwise each time: what it is called alone changes nothing."""
    before = file.stored.get(one.document_id)
    if before is not None and one.original is None:
        attributes = {
            name: value
            for name, value in before.attributes.items()
            if name not in VALIDATORS and (name not in ADDED or name in one.attributes)
        }
        digest = sha256(one.text.encode()).hexdigest()
        same = (before.title, before.uri, before.digest) == (one.title, one.uri, digest)
        if same and attributes == one.attributes:
            return Unchanged((one.document_id,))
    return replace(one, attributes={**one.attributes, **file.validators})


def _name(answer: Fetched) -> str:
    """A hint where content does not tell the kind: the last part of the path, with the suffix of what it is called."""
    name = PurePosixPath(unquote(urlsplit(answer.url).path)).name or urlsplit(answer.url).hostname or "page"
    if PurePosixPath(name).suffix:
        return name
    return name + (mimetypes.guess_extension(answer.content_type.partition(";")[0].strip()) or "")
