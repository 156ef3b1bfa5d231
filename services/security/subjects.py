"""What is held of somebody, and who saw it (GDPR, articles 15 and 30)."""

from dataclasses import dataclass

from eventstore.audit_entries import AuditEntries, AuditFilter
from projections.graph.reads import Entity, GraphReader, Node
from projections.vector.reads import PassageReader
from security.audit import AuditLog
from security.audit_chain import RecordedEntry
from services.caller import Caller
from services.deadline import Deadline
from services.security.auditing import audited

MAX_PASSAGES = 10_000
MAX_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class NamingDocument:
    """A document that names the subject, in so many passages."""

    document_id: str
    title: str
    passages: int


@dataclass(frozen=True, slots=True)
class SubjectReport:
    """`seen`: the newest reads of the documents and entities, `done`: what an account of this name did."""

    name: str
    entities: tuple[Entity, ...]
    documents: tuple[NamingDocument, ...]
    seen: tuple[RecordedEntry, ...]
    done: tuple[RecordedEntry, ...]


class SubjectService:
    """Raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError. Asking is audited."""

    def __init__(self, graph: GraphReader, passages: PassageReader, entries: AuditEntries, log: AuditLog) -> None:
        self._graph, self._passages, self._entries, self._log = graph, passages, entries, log

    async def report(self, caller: Caller, name: str, *, deadline: Deadline) -> SubjectReport:
        """Of the caller's tenant: entities of this name, documents that name them, and audit entries about both."""
        async with audited(self._log, caller, "administration", "report", "audit", name):
            caller.require("audit", "read")
            caller.require("documents", "read")
            async with deadline.enforce("looking for a subject"):
                entities = await self._graph.find(caller.tenant, [name])
                documents = await self._documents(caller.tenant, entities)
                objects = [name, *(entity.entity_id for entity in entities), *(entity.name for entity in entities)]
                objects += [document.document_id for document in documents]
                seen = await self._entries.of_objects(caller.tenant, list(dict.fromkeys(objects)), MAX_ENTRIES)
                done = await self._entries.newest(caller.tenant, AuditFilter(actor=name), None, MAX_ENTRIES)
        return SubjectReport(name, tuple(entities), tuple(documents), tuple(seen), tuple(done))

    async def _documents(self, tenant: str, entities: list[Entity]) -> list[NamingDocument]:
        chunks: set[str] = set()
        for entity in entities:
            edges = await self._graph.neighbours(tenant, Node("entity", entity.entity_id), MAX_PASSAGES)
            ends = (end for edge in edges for end in (edge.source, edge.target))
            chunks |= {end.id for end in ends if end.kind == "passage"}
        found = await self._passages.passages(tenant, sorted(chunks))
        counts: dict[tuple[str, str], int] = {}
        for passage in found.values():
            key = passage.document_id, passage.title
            counts[key] = counts.get(key, 0) + 1
        return [NamingDocument(*key, count) for key, count in sorted(counts.items())]
