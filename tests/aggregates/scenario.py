"""Given these payloads: events of one aggregate, and the parts that most scenarios need."""

from collections.abc import Iterable
from uuid import UUID

from aggregates.cause import Cause
from contracts.documents import (
    Alias,
    Chunk,
    DocumentChunked,
    DocumentContent,
    DocumentDeleted,
    DocumentIngested,
    DocumentProcessed,
    DocumentUpdated,
    EntitiesExtracted,
    Mention,
    Relation,
    RelationshipsDiscovered,
    TextReference,
)
from contracts.envelope import DomainEvent, EventMetadata
from contracts.payload import Payload

CAUSE = Cause(metadata=EventMetadata(tenant="acme", actor="ada", source="test"), correlation_id="c1")
A, B = "a" * 64, "b" * 64


def given(*payloads: Payload, aggregate_id: str = "d1") -> list[DomainEvent]:
    """One aggregate's events, with versions from 1; event number n has the id UUID(int=n)."""
    return [
        Cause(CAUSE.metadata, CAUSE.correlation_id, event_id=UUID(int=version)).event(payload, aggregate_id, version)
        for version, payload in enumerate(payloads, start=1)
    ]


def payloads(events: Iterable[DomainEvent]) -> list[Payload]:
    """What the events say."""
    return [event.event_data for event in events]


def text(digest: str) -> TextReference:
    """A text of ten characters."""
    return TextReference(digest=digest, characters=10, bytes=10)


def content(digest: str = A, title: str = "Report") -> DocumentContent:
    """What somebody asks to take in."""
    return DocumentContent(title=title, text=text(digest), uri="https://example.org", attributes={"year": 2024})


def ingested(digest: str = A) -> DocumentIngested:
    """The event that took such a content in."""
    return DocumentIngested.model_validate(content(digest).model_dump())


def updated(digest: str = B) -> DocumentUpdated:
    """The event that changed to such a content."""
    return DocumentUpdated.model_validate(content(digest).model_dump())


def chunk(chunk_id: str, start: int, end: int) -> Chunk:
    """A stretch of the text."""
    return Chunk(chunk_id=chunk_id, index=0, start=start, end=end, tokens=2, digest=A, input_digest=B)


def chunked(digest: str = A) -> DocumentChunked:
    """Three chunks: k1, k2 and k3."""
    chunks = (chunk("k1", 0, 3), chunk("k2", 3, 6), chunk("k3", 6, 10))
    return DocumentChunked(content=digest, title="Report", chunker="words", embedder="mini", chunks=chunks)


def extracted(digest: str = A) -> EntitiesExtracted:
    """One mention and one alias of Ada."""
    mention = Mention(entity_id="e1", name="Ada", type="PERSON", chunk_id="k1", start=0, end=3, confidence=0.9)
    alias = Alias(entity_id="e1", name="Ada", chunk_id="k1", quality=0.5)
    return EntitiesExtracted(content=digest, model="ner", mentions=(mention,), aliases=(alias,))


def related(digest: str = A) -> RelationshipsDiscovered:
    """Two relations: r1 and r2."""
    first, second = (
        Relation(
            relation_id=relation_id,
            subject_id="e1",
            subject="Ada",
            predicate="met",
            object_id="e2",
            object="Charles",
            chunk_id="k1",
            start=0,
            end=10,
            confidence=0.8,
            negated=False,
            modality=None,
            time=None,
            valid_from=None,
            valid_until=None,
        )
        for relation_id in ("r1", "r2")
    )
    return RelationshipsDiscovered(content=digest, model="rel", relations=(first, second))


def processed(digest: str = A) -> DocumentProcessed:
    """Every stage is done."""
    return DocumentProcessed(content=digest, chunks=3, entities=1, relations=2)


def deleted() -> DocumentDeleted:
    """The document is gone."""
    return DocumentDeleted(reason="asked for")
