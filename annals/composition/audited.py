"""Use cases of documents that go into the audit log: those that read what may be personal, and those that change it"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from projections.relational.reads import DocumentRow
from security.audit import AuditLog
from services.operations.use_cases import Operations
from services.past.reads import Reads
from services.search.search import SearchPassages
from services.security.recording import Recorded, recording
from services.storage.chunk import ChunkInContext
from services.storage.interface import Storage as StorageService
from services.storage.use_cases import Storage


def audited_storage(storage: Storage, log: AuditLog) -> Storage:
    """The same use cases."""
    return replace(
        storage,
        taking=recording(storage.taking, log, take=Recorded("change", "write", "documents", _submitted)),
        deletion=recording(storage.deletion, log, delete=Recorded("change", "delete", "documents", _deleted)),
        show=recording(storage.show, log, **_SHOW),
        listing=recording(storage.listing, log, **_LISTING),
        logged=recording(storage.logged, log, documents=_LISTING["documents"]),
        original=recording(
            storage.original, log, read=Recorded("read", "read", "documents", lambda given, _: list(given["names"])[:1])
        ),
        parts=recording(storage.parts, log, **_PARTS),
        chunks=recording(storage.chunks, log, **_CHUNKS),
        reading=recording(storage.reading, log, **_READING),
        history=recording(storage.history, log, of=Recorded("read", "read", "events", _followed)),
        databases=recording(
            storage.databases,
            log,
            document_with_entities=Recorded("read", "read", "storage", _document),
            semantic_search=Recorded("read", "read", "storage"),
            graph_traversal=Recorded("read", "read", "storage"),
        ),
    )


def audited_service(storage: StorageService, log: AuditLog) -> StorageService:
    """The same service, wherever it runs."""
    return recording(
        storage,
        log,
        store_document=Recorded("change", "write", "documents", lambda given, _: [given["request"].document_id]),
    )


def audited_searching(searching: SearchPassages, log: AuditLog) -> SearchPassages:
    """The same use case."""
    return recording(searching, log, **_SEARCH)


def audited_reads(reads: Reads, log: AuditLog) -> Reads:
    """The same reads of a generation of the past."""
    return replace(
        reads,
        show=recording(reads.show, log, **_SHOW),
        listing=recording(reads.listing, log, **_LISTING),
        parts=recording(reads.parts, log, **_PARTS),
        chunks=recording(reads.chunks, log, **_CHUNKS),
        reading=recording(reads.reading, log, **_READING),
        search=recording(reads.search, log, **_SEARCH),
    )


def audited_operations(operations: Operations, log: AuditLog) -> Operations:
    """The same use cases."""
    exported = Recorded("read", "read", "documents", lambda given, _: [given["model"]])
    return replace(operations, tables=recording(operations.tables, log, export=exported))


def _document(given: Mapping[str, Any], _: Any) -> Sequence[str]:
    return [given["document_id"]]


def _submitted(given: Mapping[str, Any], _: Any) -> Sequence[str]:
    return [one.document_id for one in given["submissions"]]


def _deleted(given: Mapping[str, Any], result: Any) -> Sequence[str]:
    return [names[0] for names in given["documents_named"]] if result is None else result.all


def _shown(given: Mapping[str, Any], result: Any) -> Sequence[str]:
    return [result.document_id if isinstance(result, DocumentRow | ChunkInContext) else given["names"][0]]


def _followed(given: Mapping[str, Any], result: Any) -> Sequence[str]:
    return [given["names"][0] if result is None else result.key.aggregate_id]


_SHOW = {
    "show": Recorded("read", "read", "documents", _shown),
    "entity": Recorded("read", "read", "entities", lambda given, _: [given["name"]]),
}
_LISTING = {
    "documents": Recorded("read", "read", "documents"),
    "entities": Recorded("read", "read", "entities"),
}
_PARTS = {
    "chunks": Recorded("read", "read", "chunks", _document),
    "relations": Recorded("read", "read", "relations"),
}
_CHUNKS = {"read": Recorded("read", "read", "chunks", lambda given, _: [given["chunk_id"]])}
_READING = {"get": Recorded("read", "read", "documents", _document)}
_SEARCH = {"search": Recorded("read", "read", "search")}
