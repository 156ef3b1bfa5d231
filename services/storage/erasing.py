"""Erasing documents: deleted first, then gone from everywhere."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contracts.documents import (
    ChunkMerged,
    ChunkUpdated,
    DocumentChunked,
    DocumentContent,
    DocumentReread,
    EntitiesExtracted,
    MentionsReassigned,
    RelationshipsDiscovered,
)
from contracts.entity_decisions import NO_DECISIONS
from contracts.event_types import EventType
from contracts.payload import Payload
from eventstore.erasures import ErasurePlan, Erasures
from eventstore.generations import RegisteredGeneration
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from eventstore.sealed_events import subject_of
from projections.changes import Change, ReadModel
from projections.document_state import DocumentState
from projections.errors import StaleVersionError
from projections.generations import Generations
from projections.projection import Projection
from projections.relational.reads import RelationalReader
from projections.states import QueryState, State
from projections.store import Store
from security.audit import AuditLog
from services.caller import Caller
from services.deadline import Deadline
from services.security.auditing import audited, entry_of
from services.storage.deletion import DeleteDocuments

POLL_S = 0.1
PAGE = 500
TRIES = 10
NOTHING: Mapping[str, State] = {
    "document": DocumentState(gone=True, chunks=(), mentions=(), aliases=(), relations=()),
    "entity": NO_DECISIONS,
    "reasoning_query": QueryState(),
}
"""What read models are told of an aggregate that is gone, by kind."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Ids of the documents that are erased, of the questions and entities that went with them, and how many keys.

    `in_the_clear`: events that were recorded before events were sealed, which stay as they are.
    """

    documents: tuple[str, ...]
    questions: tuple[str, ...]
    entities: tuple[str, ...]
    keys: int
    in_the_clear: int

    def __add__(self, other: "Erasure") -> "Erasure":
        """Both together: what went twice went once."""
        return Erasure(
            _once(self.documents, other.documents),
            _once(self.questions, other.questions),
            _once(self.entities, other.entities),
            self.keys + other.keys,
            self.in_the_clear + other.in_the_clear,
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many of what went with the documents, as edges tell it."""
        return {
            "questions": len(self.questions),
            "entities": len(self.entities),
            "keys": self.keys,
            "in_the_clear": self.in_the_clear,
        }


NO_ERASURE = Erasure((), (), (), 0, 0)


def _once(*some: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for part in some for one in part))


@dataclass
class _Found:
    entities: set[str] = field(default_factory=set)
    digests: set[str] = field(default_factory=set)

    def take(self, data: Payload) -> None:
        """What one event tells of where else something of the document is."""
        match data:
            case DocumentContent(text=text):
                self.digests.add(text.digest)
            case DocumentChunked(chunks=chunks):
                self.digests.update(digest for one in chunks for digest in (one.digest, one.input_digest))
            case DocumentReread(mentions=mentions, aliases=aliases, relations=relations):
                self.entities.update(one.entity_id for part in (mentions, aliases) for one in part)
                self.entities.update(one for part in relations for one in (part.subject_id, part.object_id))
            case EntitiesExtracted(mentions=mentions, aliases=aliases):
                self.entities.update(one.entity_id for part in (mentions, aliases) for one in part)
            case MentionsReassigned(entity_id=entity, into=into):
                self.entities.update((entity, into))
            case RelationshipsDiscovered(relations=relations):
                self.entities.update(one for part in relations for one in (part.subject_id, part.object_id))
            case ChunkUpdated(chunk=chunk) | ChunkMerged(chunk=chunk):
                self.digests.update((chunk.digest, chunk.input_digest))


class EraseDocuments:
    """For who may administer documents: what is erased does not come back."""

    def __init__(
        self,
        deletion: DeleteDocuments,
        reader: EventReader,
        erasures: Erasures,
        projections: Sequence[Projection],
        generations: Generations,
        relational: RelationalReader,
        audit: AuditLog,
    ) -> None:
        self._deletion, self._reader = deletion, reader
        self._erasures, self._projections, self._audit = erasures, projections, audit
        self._generations, self._relational = generations, relational

    async def erase(
        self,
        caller: Caller,
        documents_named: Sequence[Sequence[str]],
        *,
        reason: str,
        correlation_id: str,
        deadline: Deadline,
        also: Sequence[AggregateKey] = (),
    ) -> Erasure:
        """Delete these documents, wait until the read models and the names have followed, and erase them.

        `also`: questions, and entities, which go where no other document names them. Broken off, it is done again, and
        goes on. Raises AccessDeniedError, NotFoundError, ConflictError, StoreUnavailableError, DeadlineExceededError.
        """
        # Their names are in no entry: the audit log is kept for longer.
        async with audited(self._audit, caller, "change", "erase", "documents"):
            caller.require("documents", "administer")
        deletion = await self._deletion.delete(
            caller, documents_named, reason=reason, correlation_id=correlation_id, deadline=deadline
        )
        async with deadline.enforce("erasing"):
            keys = [AggregateKey(caller.tenant, "document", one) for one in deletion.all]
            await self._followed(keys)
            plan = await self._plan(caller.tenant, keys, also)
            clear = await self._erasures.in_the_clear(plan.keys)
            # In this order: who goes on where this is broken off waits for read models that know of the deletion.
            destroyed = await self._erasures.erase(plan)
            await self._forget(plan.keys)
            # A generation that somebody began before knows of them, or of their deletion.
            await self._built()
            # And whoever made vectors for it kept them, perhaps behind that.
            await self._erasures.forget_outputs(plan.digests)
            await self._finish(caller.tenant)
            for key in keys:
                name = subject_of(self._reader.ids.stream(key))
                await self._audit.record(entry_of(caller, "change", "erased", "documents", name, reason=reason))
        questions = tuple(key.aggregate_id for key in plan.questions)
        return Erasure(tuple(plan.documents), questions, tuple(plan.entities), destroyed, clear)

    async def _followed(self, keys: Sequence[AggregateKey]) -> None:
        """Whoever comes to a deletion later would keep that it was told of it."""
        # Those that were erased before have none.
        deletions = await self._reader.last.of_types(keys, [EventType.DOCUMENT_DELETED])
        versions = {key: event.aggregate_version for key, event in deletions.items()}
        for projection in self._projections:
            while True:
                there = await projection.store.versions(versions)
                if all(there.get(key, 0) >= version for key, version in versions.items()):
                    break
                await asyncio.sleep(POLL_S)
        while await self._erasures.names_behind(versions):  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)

    async def _finish(self, tenant: str) -> None:
        """What was broken off before, too. What has come back since is as new."""
        unfinished = await self._erasures.unfinished(tenant)
        back = set(await self._reader.keys_of([self._reader.ids.stream(key) for key in unfinished]))
        await self._forget([key for key in unfinished if key not in back])
        await self._erasures.finished(unfinished)

    async def _plan(self, tenant: str, keys: Sequence[AggregateKey], also: Sequence[AggregateKey]) -> ErasurePlan:
        found = _Found(entities={key.aggregate_id for key in also if key.kind == "entity"})
        for key in keys:
            version = 0
            while events := await self._reader.seen.of_aggregate(key, None, version, PAGE):
                for event in events:
                    found.take(event.event_data)
                version = events[-1].aggregate_version
        documents = [key.aggregate_id for key in keys]
        # The read model has followed the deletions: whom it still names, others name.
        shared = await self._relational.named(tenant, sorted(found.entities))
        shared |= await self._erasures.named_elsewhere(tenant, found.entities, documents)
        questions = set(await self._reader.keys_of(await self._erasures.questions(tenant, documents)))
        questions |= {key for key in also if key.kind == "reasoning_query"}
        return ErasurePlan(tenant, documents, sorted(questions), sorted(found.entities - shared), found.digests)

    async def _built(self) -> None:
        """Until nobody builds a generation. One that was broken off is dropped: else somebody went on with it."""
        while any(  # noqa: ASYNC110
            one.state == "building" and one.leased for one in await self._generations.registry.all()
        ):
            await asyncio.sleep(POLL_S)
        for one in await self._generations.registry.all():
            if one.state == "building" and not one.leased:
                await self._generations.discard(one)

    async def _forget(self, keys: Sequence[AggregateKey]) -> None:
        """Have no generation of a read model hold anything of these, nor that they were there."""
        models = {projection.model.name: projection.model for projection in self._projections}
        for projection in self._projections:
            await _forget(projection.model, projection.store, keys)
        for one in await self._aside():
            if one.read_model in models:
                try:
                    await _forget(models[one.read_model], self._generations.of(one).store, keys)
                except Exception:
                    # What somebody drops meanwhile, or what expires, holds nothing of them any more.
                    if one.id in {other.id for other in await self._aside()}:
                        raise

    async def _aside(self) -> list[RegisteredGeneration]:
        return [one for one in await self._generations.registry.all() if one.state in ("ready", "retired")]


async def _forget(model: ReadModel, store: Store, keys: Sequence[AggregateKey]) -> None:
    own = [key for key in keys if key.kind in model.kinds]
    for attempt in range(TRIES):
        known = await store.versions(own)
        there = [key for key in own if key in known]
        sections = await model.sections([(key, NOTHING[key.kind]) for key in there])
        changes = [Change(key, known[key], known[key] + 1, rows) for key, rows in zip(there, sections, strict=True)]
        try:
            await store.write(changes, {})
            await store.forget(there)
            return
        except StaleVersionError:
            if attempt == TRIES - 1:
                raise
