"""Taking in the documents of a file that somebody sends: read in a child process, then stored like any others."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from contracts.errors import AnnalsError
from contracts.payload import Attributes, Identifier, Text, Title, Uri
from contracts.text import is_blank
from inference.formats.document import NotRead, ReadDocument
from inference.formats.encodings import known
from inference.formats.pool import ReaderPool
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError
from services.requests import check
from services.storage.files import attributes_of, part_of, title_of
from services.storage.interface import Storage, StoreDocumentRequest, StoreDocumentResponse
from services.work_limit import WorkLimit

RUNNING, WAITING = 2, 64
HOLDS_NO_TEXT = "holds no text"


class NoDocumentError(AnnalsError):
    """The file gives no document; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class TakeFileRequest:
    """A file. `document_id` makes it the same document; those within it (attachments) have `document_id#PART`.

    `name`: the file's, a hint for what content alone does not tell, and its title where it has none. `attributes` are
    added to what the file says of itself, and go before it.
    """

    document_id: Identifier
    content: bytes
    name: Annotated[Text, Field(max_length=1024)] = ""
    title: Title = ""
    uri: Uri | None = None
    encoding: Annotated[Text, Field(max_length=64)] | None = None
    archives: bool = False
    attributes: Attributes = field(default_factory=dict)
    delivery_id: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True, slots=True)
class TakenFile:
    """`documents`: what was stored, in the file's order. `not_read`: reasons by part. `warnings`: by document id."""

    documents: tuple[StoreDocumentResponse, ...]
    not_read: Mapping[str, str]
    warnings: Mapping[str, tuple[str, ...]]


class TakeFiles:
    """Reads with limits of time and memory, and never in the event loop."""

    def __init__(self, storage: Storage, readers: ReaderPool) -> None:
        self._storage = storage
        self._readers = readers
        self._work = WorkLimit(RUNNING, WAITING)

    async def take(self, caller: Caller, request: TakeFileRequest, deadline: Deadline) -> TakenFile:
        """Store every document of a file.

        Raises NoDocumentError where there is none, AccessDeniedError, InvalidRequestError, DocumentTooLargeError,
        OverloadedError, StoreUnavailableError, ConflictError, DeadlineExceededError.
        """
        caller.require("documents", "write", {"document_id": request.document_id})
        check(request)
        if request.encoding is not None and not known(request.encoding):
            raise InvalidRequestError(f"{request.encoding} is no encoding that is known; name another, or none")
        async with self._work.turn(caller.tenant, deadline), deadline.enforce("reading a file"):
            found = await self._readers.read(
                request.content,
                request.name or request.document_id,
                encoding=request.encoding,
                archives=request.archives,
            )
        documents: list[StoreDocumentResponse] = []
        not_read = {one.part: one.reason for one in found if isinstance(one, NotRead)}
        warnings: dict[str, tuple[str, ...]] = {}
        for one in found:
            if not isinstance(one, ReadDocument):
                continue
            if is_blank(one.text):
                not_read[one.part] = HOLDS_NO_TEXT
                continue
            stored = await self._storage.store_document(caller, _request(request, one), deadline)
            documents.append(stored)
            if one.warnings:
                warnings[stored.document_id] = one.warnings
        if not documents:
            why = next(iter(not_read.values()), HOLDS_NO_TEXT)
            raise NoDocumentError(f"{request.name or request.document_id} {why}")
        return TakenFile(tuple(documents), not_read, warnings)


def _request(request: TakeFileRequest, document: ReadDocument) -> StoreDocumentRequest:
    part = document.part
    return StoreDocumentRequest(
        document_id=part_of(request.document_id, part),
        title=request.title if request.title and not part else title_of(document, request.name or request.document_id),
        text=document.text,
        uri=request.uri,
        attributes={**attributes_of(document), **request.attributes},
        delivery_id=uuid.uuid5(request.delivery_id, part),
    )
