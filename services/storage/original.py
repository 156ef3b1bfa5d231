"""The bytes that a document was read from, where they were kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.access import collection_of
from contracts.documents import DocumentContent
from contracts.event_types import CONTENT_TYPES
from eventstore.originals import OriginalStore
from eventstore.reader import EventReader
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.storage.files import ORIGINAL
from services.storage.lookup import find_aggregate, unknown

MEDIA_TYPES = {
    "text": "text/plain",
    "markdown": "text/markdown",
    "source": "text/plain",
    "html": "text/html",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "subtitles": "text/plain",
    "email": "message/rfc822",
    "mbox": "application/mbox",
    "msg": "application/vnd.ms-outlook",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "rtf": "application/rtf",
    "epub": "application/epub+zip",
    "warc": "application/warc",
}
"""Of the kinds that readers tell (IANA, Media Types)."""
UNKNOWN = "application/octet-stream"
MOST_NAME = 200
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Original:
    """Of the document as it is now. `digest`: sha256 of the bytes, in hexadecimal. `media_type` and `name` are those of
    the file, as far as they are known.
    """

    document_id: str
    digest: str
    content: bytes
    media_type: str
    name: str


class ReadOriginal:
    """Raises AccessDeniedError, NotFoundError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(self, reader: EventReader, originals: OriginalStore) -> None:
        self._reader = reader
        self._originals = originals

    async def read(self, caller: Caller, names: Sequence[str], *, deadline: Deadline) -> Original:
        """Of the document that goes by the first of these names that is known; whoever may see its whole text may."""
        caller.require("documents", "read")
        async with deadline.enforce("reading an original"):
            key = await find_aggregate(self._reader, caller, names, ["document"])
            content = (await self._reader.last.of_types([key], CONTENT_TYPES))[key].event_data
            reach = caller.access.reach("documents", "read")
            if not isinstance(content, DocumentContent):
                seen = reach.collections
                if seen is not None and not await self._reader.documents.within(key.tenant, [key.aggregate_id], seen):
                    raise unknown(names[0], ["document"])
                raise NotFoundError(f"{names[0]} was deleted, and its original with it; take the file in again")
            masked = reach.masked_fields(collection_of(content.attributes))
            if masked is None:
                raise unknown(names[0], ["document"])
            digest = content.attributes.get(ORIGINAL)
            if masked or not isinstance(digest, str) or not DIGEST.fullmatch(digest):
                raise _not_kept(names[0])
            found = await self._originals.get(key.tenant, key.aggregate_id, digest)
        if found is None:
            raise _not_kept(names[0])
        return Original(key.aggregate_id, digest, found, _media_type(content), _name(key.aggregate_id))


def _not_kept(name: str) -> NotFoundError:
    return NotFoundError(f"no original of {name} is kept; take its file in with --keep-original")


def _media_type(content: DocumentContent) -> str:
    """Text has none that says how it is encoded: bytes come as they were read."""
    return MEDIA_TYPES.get(str(content.attributes.get("format", "text")), UNKNOWN)


def _name(document_id: str) -> str:
    """The last part of a path or an address, without what no file is called by."""
    last = re.split(r"[/\\]", document_id.split("?")[0].rstrip("/\\"))[-1]
    return "".join(one for one in last if one.isprintable())[-MOST_NAME:] or "original"
