"""Histories over a real event store: documents, entities and questions, each through its aggregate's decisions."""

import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from aggregates import document as documents
from aggregates import document_corrections as corrections
from aggregates import entity as entities
from aggregates import reasoning_query as queries
from aggregates import resolution
from aggregates.cause import Cause
from aggregates.document import Document
from aggregates.entity import Entity
from aggregates.reasoning_query import ReasoningQuery
from annals.composition.master_keys import FILE_NAME
from annals.embedded.postgres import ensure_vector
from contracts.documents import MentionsReassigned, RelationshipUpdated, RelationshipValidated, Statement
from contracts.entities import EntityAssigned, EntityMerged, EntityUpdated, EntityValidated
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import TAKES_IN
from contracts.ids import entity_id
from contracts.reasoning import ReasoningChainValidated, ReasoningQueryExecuted, ReasoningStep, Source
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.log import EventLog
from eventstore.log_secret import open_ids
from eventstore.outputs import ModelOutputs
from eventstore.pool import PostgresPool, open_pool
from eventstore.reader import EventReader
from eventstore.stream_keys import MasterStreamKeys, StreamKeys, ids_of
from eventstore.texts import TextStore
from projections.vector.codec import register
from projections.vector.postgres import SEARCH_SETTINGS
from security.master_key import FileMasterKey
from tests.projections.stories import Story, digest, vector_of

DocumentDecision = Callable[[Document | None], Sequence[DomainEvent]]
EntityDecision = Callable[[Entity | None], tuple[DomainEvent, ...]]
QueryDecision = Callable[[ReasoningQuery | None], tuple[DomainEvent, ...]]


@dataclass(frozen=True)
class History:
    """Appends what happens. Every method returns the events that it appended, with their positions."""

    pool: PostgresPool
    reader: EventReader
    commands: Commands
    texts: TextStore
    outputs: ModelOutputs

    async def ingest(self, story: Story) -> list[DomainEvent]:
        """Keep the text and take the document in, for the first time or anew."""
        await self.texts.put_many([(story.tenant, story.document_id, story.text)])
        return await self.on_document(
            story.tenant,
            story.document_id,
            lambda state: documents.ingest(state, story.document_id, story.content, _cause(story.tenant)),
        )

    async def chunk(self, story: Story) -> list[DomainEvent]:
        """Keep the vectors and accept the chunks."""
        await self.outputs.put_many(story.embedder, story.outputs)
        return await self._stage(story, lambda s, of, cause: documents.chunk(s, of, story.chunked, cause))

    async def extract(self, story: Story) -> list[DomainEvent]:
        """Accept the entities."""
        return await self._stage(story, lambda s, of, cause: documents.extract_entities(s, of, story.extracted, cause))

    async def relate(self, story: Story) -> list[DomainEvent]:
        """Accept the relations."""
        return await self._stage(
            story, lambda s, of, cause: documents.discover_relationships(s, of, story.related, cause)
        )

    async def complete(self, story: Story) -> list[DomainEvent]:
        """Call it processed."""
        return await self._stage(story, lambda s, of, cause: documents.complete(s, of, story.processed, cause))

    async def tell(self, *stories: Story) -> list[DomainEvent]:
        """Whole documents, each through all of its stages."""
        events: list[DomainEvent] = []
        for story in stories:
            for step in (self.ingest, self.chunk, self.extract, self.relate, self.complete):
                events += await step(story)
        return events

    async def delete(self, story: Story) -> list[DomainEvent]:
        """Delete the document."""
        return await self.on_document(
            story.tenant,
            story.document_id,
            lambda state: documents.delete(state, "asked for", _cause(story.tenant)),
        )

    async def merge_chunks(self, story: Story, first: int, last: int) -> list[DomainEvent]:
        """Make one chunk of those from `first` to `last`. Raises RefusedError when they are not there now."""
        chunk, read = story.joined(first, last)
        vector = vector_of(read, story.dimension).astype("<f2").tobytes()
        await self.outputs.put_many(story.embedder, {chunk.input_digest: vector})
        gone = tuple(old.chunk_id for old in story.chunks[first : last + 1])
        return await self.on_document(
            story.tenant,
            story.document_id,
            lambda state: corrections.merge_chunks(state, gone, chunk, _cause(story.tenant)),
        )

    async def restore_chunks(self, story: Story, first: int, last: int) -> list[DomainEvent]:
        """Undo that merge. Raises RefusedError when it is not there now."""
        chunk, _ = story.joined(first, last)
        return await self.on_document(
            story.tenant,
            story.document_id,
            lambda state: corrections.restore_chunks(state, chunk.chunk_id, _cause(story.tenant)),
        )

    async def undo_relation(self, story: Story, relation_id: str) -> Sequence[DomainEvent]:
        """Take back what was decided on a relation. Raises RefusedError where nothing was."""
        found = {one.relation_id: Statement.of(one) for one in story.related.relations}.get(relation_id)
        return await self.on_document(
            story.tenant,
            story.document_id,
            lambda state: corrections.undo_relationship(state, relation_id, found, _cause(story.tenant)),
        )

    async def judge_relation(self, story: Story, relation_id: str, *, valid: bool) -> list[DomainEvent]:
        """Call a relation right or wrong. Raises RefusedError when it is not there now."""
        judgement = RelationshipValidated(relation_id=relation_id, valid=valid)
        return await self.on_document(
            story.tenant,
            story.document_id,
            lambda state: corrections.validate_relationship(state, judgement, _cause(story.tenant)),
        )

    async def amend_relation(self, story: Story, relation_id: str, predicate: str) -> list[DomainEvent]:
        """Give a relation another predicate. Raises RefusedError when it is not there now."""
        change = RelationshipUpdated(relation_id=relation_id, predicate=predicate, confidence=0.6)
        return await self.on_document(
            story.tenant,
            story.document_id,
            lambda state: corrections.update_relationship(state, change, _cause(story.tenant)),
        )

    async def rename(self, name: str, to: str, *, tenant: str = "default") -> list[DomainEvent]:
        """Set an entity's name and type. Raises RefusedError when it is merged."""
        change = EntityUpdated(name=to, type="LEGEND")
        own = entity_id(tenant, name)
        return await self._on_entity(tenant, own, lambda state: entities.update(state, own, change, _cause(tenant)))

    async def merge(self, name: str, into: str, *, tenant: str = "default") -> list[DomainEvent]:
        """Call two names the same thing. Raises RefusedError when the first is merged into another."""
        own, change = entity_id(tenant, name), EntityMerged(into=entity_id(tenant, into))
        return await self._on_entity(tenant, own, lambda state: entities.merge(state, own, change, _cause(tenant)))

    async def assign(self, name: str, into: str, *, tenant: str = "default") -> list[DomainEvent]:
        """Rules take an entity for the same as another."""
        own, to = entity_id(tenant, name), entity_id(tenant, into)
        assigned = EntityAssigned(into=to, rules=resolution.RULES, rule="same name", confidence=0.99, context=0.7)
        return await self._on_entity(tenant, own, lambda state: resolution.assign(state, own, assigned, _cause(tenant)))

    async def release(self, name: str, *, tenant: str = "default") -> list[DomainEvent]:
        """They do so no longer."""
        own = entity_id(tenant, name)
        return await self._on_entity(tenant, own, lambda state: resolution.release(state, _cause(tenant)))

    async def merge_one_into_the_next(self, names: Sequence[str], *, tenant: str = "default") -> None:
        """Each of these names is the next one, in one transaction."""

        def command(name: str, into: str) -> Command:
            own, change = entity_id(tenant, name), EntityMerged(into=entity_id(tenant, into))
            key = AggregateKey(tenant, "entity", own)
            return Command(key, Entity.project, lambda state: entities.merge(state, own, change, _cause(tenant)))

        await self.commands.execute_many([command(*pair) for pair in pairwise(names)])

    async def judge(self, name: str, *, valid: bool, tenant: str = "default") -> list[DomainEvent]:
        """Say whether a name is one of a real thing. Raises RefusedError when it is merged."""
        own, judgement = entity_id(tenant, name), EntityValidated(valid=valid, confidence=0.7)
        return await self._on_entity(
            tenant, own, lambda state: entities.validate(state, own, judgement, _cause(tenant))
        )

    async def alias(self, name: str, alias: str, *, tenant: str = "default") -> list[DomainEvent]:
        """Give an entity one more name."""
        own = entity_id(tenant, name)
        return await self._on_entity(
            tenant, own, lambda state: entities.add_alias(state, own, alias, None, _cause(tenant))
        )

    async def undo(self, name: str, *, tenant: str = "default") -> list[DomainEvent]:
        """Undo the last decision on an entity. Raises RefusedError where there is none."""
        own = entity_id(tenant, name)
        return await self._on_entity(
            tenant, own, lambda state: entities.undo(state, own, None, "a mistake", _cause(tenant))
        )

    async def reassign(self, story: Story, name: str, into: str) -> list[DomainEvent]:
        """Say that a document means the entity with the id `into` by this name."""
        change = MentionsReassigned(entity_id=entity_id(story.tenant, name), into=into)
        return await self.on_document(
            story.tenant, story.document_id, lambda state: documents.reassign(state, change, _cause(story.tenant))
        )

    async def ask(
        self,
        query_id: str,
        *,
        tenant: str = "default",
        documents: Sequence[str] = (),
        steps: Sequence[str] = (),
        chains: Sequence[str] = (),
    ) -> list[DomainEvent]:
        """A question that was answered from these documents, by steps in those, and whose answer was kept."""
        span: dict[str, Any] = {"chunk_id": "c", "start": 0, "end": 1}
        executed = ReasoningQueryExecuted(
            question=f"Who is {query_id}?",
            answer="Ada",
            confidence=0.9,
            sources=tuple(Source(document_id=one, score=0.5, **span) for one in documents),
            chains=tuple(chains),
            steps=tuple(ReasoningStep(asked="?", found="!", document_id=one, **span) for one in steps),
            knowledge=digest("all"),
            cached=False,
            milliseconds=3,
        )
        asked = await self._on_query(
            tenant, query_id, lambda state: queries.execute(state, query_id, executed, _cause(tenant))
        )
        return asked + await self._on_query(
            tenant, query_id, lambda state: queries.cache_result(state, digest(query_id), _cause(tenant))
        )

    async def judge_chain(self, query_id: str, *, valid: bool | None, tenant: str = "default") -> list[DomainEvent]:
        """Say whether the first chain of a question's answer is right, or take that back."""
        judged = ReasoningChainValidated(chain=0, valid=valid)
        return await self._on_query(
            tenant, query_id, lambda state: queries.validate_chain(state, judged, _cause(tenant))
        )

    async def on_document(self, tenant: str, document_id: str, decide: DocumentDecision) -> list[DomainEvent]:
        """Any decision on a document."""
        return await self.commands.execute(
            Command(AggregateKey(tenant, "document", document_id), Document.project, decide)
        )

    async def all(self) -> list[DomainEvent]:
        """The whole log."""
        return await self.reader.after(0, 100_000)

    async def of(self, kinds: Collection[str]) -> list[DomainEvent]:
        """What the log says of some kinds of aggregate."""
        return [event for event in await self.all() if event.kind in kinds]

    async def of_document(self, story: Story) -> list[DomainEvent]:
        """What the log says of one document."""
        return await self.reader.of_aggregate(story.tenant, "document", story.document_id)

    async def _stage(self, story: Story, decide: Callable[..., Sequence[DomainEvent]]) -> list[DomainEvent]:
        """A stage worked on the event that took the present content in."""
        taken = [event for event in await self.of_document(story) if _takes_in(event)]
        if not taken:
            return []
        of = taken[-1].event_id
        return await self.on_document(
            story.tenant, story.document_id, lambda state: decide(state, of, _cause(story.tenant))
        )

    async def _on_entity(self, tenant: str, own: str, decide: EntityDecision) -> list[DomainEvent]:
        return await self.commands.execute(Command(AggregateKey(tenant, "entity", own), Entity.project, decide))

    async def _on_query(self, tenant: str, own: str, decide: QueryDecision) -> list[DomainEvent]:
        return await self.commands.execute(
            Command(AggregateKey(tenant, "reasoning_query", own), ReasoningQuery.project, decide)
        )


@contextlib.asynccontextmanager
async def open_history(dsn: str, data: Path | None = None) -> AsyncIterator[History]:
    """Everything a history needs, over a migrated database. `data`: the folder of the installation that has the log
    open, too, by whose master key it is sealed; without one it is in the clear."""
    await ensure_vector(dsn)
    pool = await open_pool(dsn, init=register, server_settings=SEARCH_SETTINGS)
    with EventLog.connect(dsn) as log:
        keys = None if data is None else await _keys_of(pool, FileMasterKey(data / FILE_NAME))
        reader = EventReader(pool, keys)
        commands = Commands(log, reader, keys)
        try:
            yield History(pool, reader, commands, TextStore(pool, keys), ModelOutputs(pool, ids_of(keys)))
        finally:
            commands.close()
            await pool.close()


async def _keys_of(pool: PostgresPool, master: FileMasterKey) -> StreamKeys:
    return MasterStreamKeys(pool, master, timedelta(days=90), await open_ids(pool, master))


def keys_of(events: Sequence[DomainEvent]) -> list[AggregateKey]:
    """The aggregates of these events, each once, in the order of their first one."""
    return list(dict.fromkeys(AggregateKey.of(event) for event in events))


def _cause(tenant: str) -> Cause:
    return Cause(EventMetadata(tenant=tenant, actor="ada", source="test"), correlation_id="c1")


def _takes_in(event: DomainEvent) -> bool:
    return event.event_type in TAKES_IN
