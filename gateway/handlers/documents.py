"""Documents: taken in, replaced, read, listed, deleted."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict

from contracts.inbox import InboxDocument
from contracts.payload import Identifier, Reason
from gateway.errors import MalformedRequestError
from gateway.exchange import Exchange, exchange_of
from gateway.handler import Handler, documents_at, services_of, shown
from gateway.parameters import (
    At,
    Attribute,
    Cursor,
    DocumentId,
    FilePrefix,
    IfMatch,
    IfNoneMatch,
    Limit,
    Prefer,
    Prefix,
    attributes_of,
    etag,
    expected_version,
)
from gateway.preferences import until_processed
from projections.relational.reads import DocumentFilter, DocumentRow
from services.positions import Position
from services.storage.deletion import Deletion
from services.storage.intake import Outcome
from services.storage.interface import StoreDocumentRequest, StoreDocumentResponse
from services.storage.listing import DocumentPage
from services.storage.logged import LoggedPage
from services.storage.use_cases import Storage


class NewDocument(InboxDocument):
    """`id` makes it the same document: taken in again with other content, it is an update."""

    id: Identifier


class Content(InboxDocument):
    """All that a document is, beside its id."""


Stage = Annotated[
    Literal["ingested", "chunked", "extracted", "related", "processed"] | None, Query(description="How far it is.")
]


class Location(BaseModel):
    """The log or a read model, and whether it has this document as it was just stored.

    `position`: how far in the log it is; None where it does not say so in time.
    """

    model_config = ConfigDict(strict=True)

    store: str
    position: Position | None
    current: bool


class StoredDocument(BaseModel):
    """The log has the document, so every store will."""

    model_config = ConfigDict(strict=True)

    document_id: str
    outcome: Outcome
    storage_locations: list[Location]
    processing_metadata: dict[str, str | int]

    @classmethod
    def of(cls, request: Request, stored: StoreDocumentResponse) -> "StoredDocument":
        """As the caller may see it."""
        made = stored.processing_metadata
        return cls(
            document_id=stored.document_id,
            outcome=stored.outcome,
            storage_locations=[
                Location(
                    store=one.store,
                    position=None if one.position is None else shown(request, one.position),
                    current=one.current,
                )
                for one in stored.storage_locations
            ],
            processing_metadata={**made, "position": shown(request, int(made["position"]))},
        )


class StatusOfDocument(BaseModel):
    """`version` and `position` of the document's last event in the log. `failed`: why a stage set it aside.

    `processed`: nothing is left to be done. `read_models`: which of them have it as the log does.
    """

    model_config = ConfigDict(strict=True)

    document_id: str
    version: int
    position: Position
    last_event: str
    deleted: bool
    processed: bool
    failed: str | None
    read_models: dict[str, bool]


class Erased(BaseModel):
    """How many questions, entities that nothing else names, and data keys went with the document. `in_the_clear`: its
    events that were recorded before events were sealed, which stay as they are."""

    model_config = ConfigDict(strict=True)

    questions: int
    entities: int
    keys: int
    in_the_clear: int


class Deleted(BaseModel):
    """`already`: it had been deleted before. `erased`: what went with it, where it was erased."""

    model_config = ConfigDict(strict=True)

    document_id: str
    already: bool
    erased: Erased | None = None


async def store(
    request: Request,
    response: Response,
    document: NewDocument,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
    prefer: Prefer = None,
) -> StoredDocument:
    """Take a document in. The log has it when this answers; the read models follow within moments."""
    expected = expected_version(if_match, if_none_match)
    return await _stored(request, response, document.id, document, expected, prefer)


async def replace(
    request: Request,
    response: Response,
    document_id: DocumentId,
    content: Content,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
    prefer: Prefer = None,
) -> StoredDocument:
    """Take a document in under this id, or replace what it is. `If-Match` with its ETag loses no change."""
    expected = expected_version(if_match, if_none_match)
    return await _stored(request, response, document_id, content, expected, prefer)


async def _stored(
    request: Request,
    response: Response,
    document_id: str,
    content: InboxDocument,
    expected: int | None,
    prefer: str | None,
) -> StoredDocument:
    exchange, services = exchange_of(request.scope), services_of(request)
    documents = services.documents
    stored = await services.storage.store_document(
        exchange.caller,
        StoreDocumentRequest(
            document_id=document_id,
            title=content.title,
            text=content.text,
            uri=content.uri,
            attributes=dict(content.attributes),
            delivery_id=exchange.delivery_id,
            expected_version=expected,
        ),
        exchange.deadline,
    )
    response.status_code = 201 if stored.outcome == "ingested" else 200
    version, position = stored.processing_metadata["version"], stored.processing_metadata["position"]
    if (applied := await until_processed(exchange, documents.waiting, [document_id], prefer)) is not None:
        response.headers["preference-applied"] = applied
        status = await documents.reading.status(exchange.caller, document_id, deadline=exchange.deadline)
        version, position = status.version, status.position
    response.headers["etag"] = etag(int(version))
    response.headers["annals-position"] = str(shown(request, int(position)))
    return StoredDocument.of(request, stored)


async def read(request: Request, response: Response, document_id: DocumentId, at: At = None) -> DocumentRow:
    """A document with its chunks, entities and relations, as the relational read model has it."""
    exchange, documents = exchange_of(request.scope), await documents_at(request, at)
    found = await documents.reading.get(exchange.caller, document_id, deadline=exchange.deadline)
    response.headers["etag"] = etag(found.version)
    return found.document


async def status(request: Request, document_id: DocumentId) -> StatusOfDocument:
    """How far the processing of a document is, also of one that was deleted, or that no read model has yet."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).documents.reading.status(
        exchange.caller, document_id, deadline=exchange.deadline
    )
    return StatusOfDocument(**{**asdict(found), "position": shown(request, found.position)})


async def delete(
    request: Request,
    response: Response,
    document_id: DocumentId,
    if_match: IfMatch = None,
    prefer: Prefer = None,
    reason: Annotated[Reason, Query(description="Kept in the event.")] = "",
    erase: Annotated[bool, Query(description="Leave nothing of it anywhere; needs a reason.")] = False,
) -> Deleted:
    """Delete a document: from every read model, and for every question from now on. Its history stays in the log,
    unless it is erased, for which one has to administer documents."""
    exchange, documents = exchange_of(request.scope), services_of(request).documents
    if erase:
        return await _erase(exchange, documents, document_id, reason)
    done: Deletion = await documents.deletion.delete(
        exchange.caller,
        [[document_id]],
        reason=reason or None,
        correlation_id=exchange.correlation_id,
        deadline=exchange.deadline,
        expected_version=expected_version(if_match),
    )
    if (applied := await until_processed(exchange, documents.waiting, [document_id], prefer)) is not None:
        response.headers["preference-applied"] = applied
    response.headers["annals-position"] = str(shown(request, done.position))
    return Deleted(document_id=document_id, already=not done.deleted)


async def _erase(exchange: Exchange, documents: Storage, document_id: str, reason: str) -> Deleted:
    if not reason.strip():
        raise MalformedRequestError("reason: is missing; say why the document is erased")
    done = await documents.erasing.erase(
        exchange.caller,
        [[document_id]],
        reason=reason,
        correlation_id=exchange.correlation_id,
        deadline=exchange.deadline,
    )
    return Deleted(document_id=document_id, already=False, erased=Erased(**done.counts))


async def list_all(
    request: Request,
    response: Response,
    limit: Limit = 100,
    cursor: Cursor = None,
    stage: Stage = None,
    id_prefix: Prefix = "",
    title_prefix: Prefix = "",
    attribute: Attribute = None,
    at: At = None,
) -> DocumentPage:
    """Documents that meet all conditions, by id, in pages."""
    exchange, documents = exchange_of(request.scope), await documents_at(request, at)
    wanted = DocumentFilter(stage, id_prefix, title_prefix, attributes_of(attribute or ()))
    return await documents.listing.documents(
        exchange.caller, wanted, after=cursor, limit=limit, deadline=exchange.deadline
    )


async def list_logged(
    request: Request,
    response: Response,
    limit: Limit = 100,
    cursor: Cursor = None,
    id_prefix: Prefix = "",
    file_prefix: FilePrefix = "",
) -> LoggedPage:
    """Documents whose ids begin so, by id, in pages: as the log has them now, which the read models follow."""
    exchange = exchange_of(request.scope)
    return await services_of(request).documents.logged.documents(
        exchange.caller,
        id_prefix=id_prefix,
        file_prefix=file_prefix,
        after=cursor,
        limit=limit,
        deadline=exchange.deadline,
    )


EXAMPLE = {
    "title": "Ada Lovelace",
    "text": "Ada Lovelace wrote the first program for the Analytical Engine.",
    "uri": "https://example.org/lovelace",
    "attributes": {"language": "en", "year": 1843},
}
STORED = {
    "document_id": "articles/lovelace",
    "outcome": "ingested",
    "storage_locations": [
        {"store": "log", "position": 12, "current": True},
        {"store": "relational", "position": 11, "current": False},
        {"store": "graph", "position": 11, "current": False},
        {"store": "vector", "position": 11, "current": False},
    ],
    "processing_metadata": {
        "outcome": "ingested",
        "version": 1,
        "position": 12,
        "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "milliseconds": 9,
    },
}
SUMMARY = {
    "document_id": "articles/lovelace",
    "title": "Ada Lovelace",
    "uri": "https://example.org/lovelace",
    "attributes": {"language": "en", "year": 1843},
    "characters": 63,
    "bytes": 63,
    "taken_at": "2026-01-05T10:00:00Z",
    "stage": "processed",
    "since": "2026-01-05T10:00:01Z",
}

HANDLERS = {
    "document_processor": Handler(
        store,
        "documents",
        "Take a document in.",
        status=201,
        also=(200,),
        raises=(409, 412),
        request={"id": "articles/lovelace", **EXAMPLE},
        example=STORED,
    ),
    "document_replacer": Handler(
        replace,
        "documents",
        "Take a document in under an id, or replace it.",
        status=201,
        also=(200,),
        raises=(409, 412),
        request=EXAMPLE,
        example=STORED,
    ),
    "document_reader": Handler(
        read,
        "documents",
        "Read a document.",
        raises=(404,),
        example={**SUMMARY, "digest": "8b1a", "chunks": [], "entities": [], "relations": []},
    ),
    "document_status": Handler(
        status,
        "documents",
        "How far the processing of a document is.",
        raises=(404,),
        example={
            "document_id": "articles/lovelace",
            "version": 5,
            "position": 19,
            "last_event": "DocumentProcessed",
            "deleted": False,
            "processed": True,
            "failed": None,
            "read_models": {"relational": True, "graph": True, "vector": False},
        },
    ),
    "document_remover": Handler(
        delete,
        "documents",
        "Delete a document.",
        raises=(400, 404, 409, 412),
        example={"document_id": "articles/lovelace", "already": False},
    ),
    "document_list": Handler(
        list_all,
        "documents",
        "List documents.",
        raises=(400, 404),
        example={"documents": [SUMMARY], "next": "WyJkb2N1bWVudHMiLCJhIl0"},
    ),
    "logged_document_list": Handler(
        list_logged,
        "documents",
        "List documents as the log has them.",
        raises=(400,),
        example={
            "documents": [
                {name: SUMMARY[name] for name in ("document_id", "title", "uri", "attributes")} | {"digest": "7d" * 32}
            ],
            "next": "WyJsb2dnZWQiLCJhIl0",
        },
    ),
}
