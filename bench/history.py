"""Events of processed documents as the stages make them, without a model: what a log holds that has been used."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

import numpy as np

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document, evolve
from annals.composition.stores import Stores
from bench.corpus import Passage
from contracts import ids
from contracts.documents import (
    Alias,
    Chunk,
    DocumentChunked,
    DocumentContent,
    DocumentProcessed,
    EntitiesExtracted,
    Mention,
    Relation,
    RelationshipsDiscovered,
    TextReference,
)
from contracts.envelope import DomainEvent, EventMetadata
from inference.model import digest_of
from services.processing.embedder_input import embedder_input

TENANT = "default"
EVENTS_A_DOCUMENT = 5
EMBEDDER = "made-up/mean-1"
DIMENSION = 384
BATCH = 100
_SOURCE = UUID("2c1d3f0a-94a4-5a5e-b1a5-7f3f0c3a9f10")


@dataclass(frozen=True, slots=True)
class History:
    """One document: its passage, the digest its vector is kept under, and its events in order."""

    passage: Passage
    input_digest: str
    events: tuple[DomainEvent, ...]


def histories(made: Sequence[Passage]) -> list[History]:
    """A history of EVENTS_A_DOCUMENT events for each passage, ids and times new with each passage's own id."""
    return [_history(passage) for passage in made]


def in_batches(made: Sequence[History]) -> Iterator[list[DomainEvent]]:
    """All events in the order and the batches of live processing: one stage of 100 documents after the other."""
    for start in range(0, len(made), BATCH):
        part = made[start : start + BATCH]
        for stage in range(EVENTS_A_DOCUMENT):
            yield [one.events[stage] for one in part]


async def keep(services: Stores, made: Sequence[History]) -> None:
    """Put texts, made-up vectors and events, in the clear, where live processing puts them."""
    await keep_texts(services, made)
    for batch in in_batches(made):
        services.log.append(batch)


async def keep_texts(services: Stores, made: Sequence[History]) -> None:
    """Texts and made-up vectors alone."""
    random = np.random.default_rng(11)
    for start in range(0, len(made), BATCH):
        part = made[start : start + BATCH]
        await services.texts.put_many([(TENANT, one.passage.document_id, one.passage.text) for one in part])
        vectors = random.standard_normal((len(part), DIMENSION)).astype("<f2")
        await services.outputs.put_many(
            EMBEDDER, {one.input_digest: vector.tobytes() for one, vector in zip(part, vectors, strict=True)}
        )


def _history(passage: Passage) -> History:
    digest = digest_of(passage.text)
    reference = TextReference(digest=digest, characters=len(passage.text), bytes=len(passage.text.encode()))
    content = DocumentContent(title=passage.title, text=reference)
    chunk = _chunk(passage, digest)
    mentions = _mentions(passage, chunk)
    relations = _relations(passage, chunk)
    results = (
        DocumentChunked(
            content=digest,
            title=passage.title,
            chunker="sentences-2/200/40/made-up",
            embedder=EMBEDDER,
            chunks=(chunk,),
        ),
        EntitiesExtracted(
            content=digest, model="made-up@1/analysis-1", mentions=mentions, aliases=_aliases(passage, chunk)
        ),
        RelationshipsDiscovered(content=digest, model="made-up@1/analysis-1", relations=relations),
        DocumentProcessed(
            content=digest,
            chunks=1,
            entities=len({mention.entity_id for mention in mentions}),
            relations=len(relations),
        ),
    )
    decisions = (documents.chunk, documents.extract_entities, documents.discover_relationships, documents.complete)
    cause = Cause(EventMetadata(tenant=TENANT, actor="bench", source="bench"), f"bench-{passage.document_id}")
    events = list(documents.ingest(None, passage.document_id, content, cause))
    state: Document | None = evolve(None, events[0])
    for result, decide in zip(results, decisions, strict=True):
        followed = Cause(cause.metadata, cause.correlation_id, causation_id=events[-1].event_id)
        events += decide(state, events[-1].event_id, result, followed)  # type: ignore[operator]  # each its own result
        state = evolve(state, events[-1])
    assert len(events) == EVENTS_A_DOCUMENT
    return History(passage, chunk.input_digest, tuple(events))


def _chunk(passage: Passage, digest: str) -> Chunk:
    return Chunk(
        chunk_id=str(uuid5(_SOURCE, passage.document_id)),
        index=0,
        start=0,
        end=len(passage.text),
        tokens=len(passage.text) // 5,
        digest=digest,
        input_digest=digest_of(embedder_input(passage.title, passage.text)),
    )


def _mentions(passage: Passage, chunk: Chunk) -> tuple[Mention, ...]:
    return tuple(
        Mention(
            entity_id=ids.entity_id(TENANT, name),
            name=name,
            type=kind,
            chunk_id=chunk.chunk_id,
            start=found.start(),
            end=found.end(),
            confidence=0.85,
        )
        for name, kind in passage.names
        for found in re.finditer(re.escape(name), passage.text)
    )


def _aliases(passage: Passage, chunk: Chunk) -> tuple[Alias, ...]:
    return tuple(
        Alias(entity_id=ids.entity_id(TENANT, name), name=name, chunk_id=chunk.chunk_id, quality=quality)
        for name, quality in ((passage.title, 1.0), (passage.names[0][0], 0.7))
    )


def _relations(passage: Passage, chunk: Chunk) -> tuple[Relation, ...]:
    return tuple(
        Relation(
            relation_id=str(uuid5(_SOURCE, f"{passage.document_id}/{fact.start}")),
            subject_id=ids.entity_id(TENANT, fact.subject),
            subject=fact.subject,
            predicate=fact.predicate,
            object_id=ids.entity_id(TENANT, fact.object),
            object=fact.object,
            chunk_id=chunk.chunk_id,
            start=fact.start,
            end=fact.end,
            confidence=0.8,
            negated=False,
            modality=None,
            time=None,
            valid_from=None,
            valid_until=None,
        )
        for fact in passage.facts
    )
