"""Payloads of the Document aggregate: taking in, chunking, what was found, completion, deletion."""

from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.event_types import EventType
from contracts.payload import (
    Attributes,
    Count,
    Date,
    Digest,
    EntityKind,
    Identifier,
    Items,
    ManyPart,
    Name,
    Offset,
    Part,
    Payload,
    Predicate,
    Reason,
    Revision,
    Share,
    Title,
    Uri,
    Words,
)
from contracts.readings import reading_of


class TextReference(Part):
    """Where a document's text lies: by digest, outside the events."""

    digest: Digest
    characters: Count
    bytes: Count


class DocumentContent(Payload):
    """What a document holds after it was taken in or changed."""

    title: Title
    text: TextReference
    uri: Uri | None = None
    attributes: Attributes = Field(default_factory=dict)


class DocumentIngested(DocumentContent):
    """A document was taken in for the first time, or again after it had been deleted."""

    event_type: ClassVar[EventType] = EventType.DOCUMENT_INGESTED
    schema_version: ClassVar[int] = 2


class DocumentUpdated(DocumentContent):
    """The same document came back with other content."""

    event_type: ClassVar[EventType] = EventType.DOCUMENT_UPDATED
    schema_version: ClassVar[int] = 2


class DocumentRestored(DocumentContent):
    """A deletion or an update was undone, the event's cause: the document holds again what it held before that."""

    event_type: ClassVar[EventType] = EventType.DOCUMENT_RESTORED
    reason: Reason | None = None


TakenIn = DocumentIngested | DocumentUpdated | DocumentRestored
"""With one of these a document has a content that is to be processed."""


class DocumentProcessed(Payload):
    """Every stage has processed this content."""

    event_type: ClassVar[EventType] = EventType.DOCUMENT_PROCESSED
    content: Digest
    chunks: Count
    entities: Count
    relations: Count


class DocumentDeleted(Payload):
    """The document is gone from every read model."""

    event_type: ClassVar[EventType] = EventType.DOCUMENT_DELETED
    reason: Reason | None = None


class Chunk(ManyPart):
    """A stretch of the document's text, `text[start:end]`, and the digests that find it and its vector."""

    chunk_id: Identifier
    index: Count
    start: Offset
    end: Offset
    tokens: Count
    digest: Digest
    input_digest: Digest = Field(
        description="digest of what the embedder read: title, headings and table header over the chunk, the chunk"
    )


class StageResult(Payload):
    """What a stage made of a document's content.

    A result that is too large for one event comes as several, one right behind the other, which only together are the
    result: each holds some of the items, and is part number `part` of `parts`, counted from 1.
    """

    item_fields: ClassVar[tuple[str, ...]]
    part: Annotated[int, Field(ge=1, le=2**31 - 1, description="number of this part, counted from 1")] = 1
    parts: Annotated[int, Field(ge=1, le=2**31 - 1, description="how many events hold the result")] = 1

    @property
    def is_last(self) -> bool:
        """Whether the result is whole with this part."""
        return self.part == self.parts


class DocumentChunked(StageResult):
    """The text was cut into chunks and each chunk has a vector of `embedder`, which another may have followed since."""

    event_type: ClassVar[EventType] = EventType.DOCUMENT_CHUNKED
    schema_version: ClassVar[int] = 2
    item_fields: ClassVar[tuple[str, ...]] = ("chunks",)
    content: Digest
    title: Title
    chunker: Revision
    embedder: Revision
    chunks: Items[Chunk]


MOST_MERGED = 100
"""Chunks that may become one at once."""


class ChunkUpdated(Payload):
    """One chunk was given other bounds; or it was given them before, and is in other content again."""

    event_type: ClassVar[EventType] = EventType.CHUNK_UPDATED
    schema_version: ClassVar[int] = 2
    content: Digest
    replaced: Identifier
    chunk: Chunk
    reason: Reason | None = None

    @property
    def gone(self) -> tuple[str, ...]:
        """Ids of the chunks whose place the new one takes."""
        return (self.replaced,)


class ChunkMerged(Payload):
    """Several chunks became one; or they did before, and are in other content again."""

    event_type: ClassVar[EventType] = EventType.CHUNK_MERGED
    schema_version: ClassVar[int] = 2
    content: Digest
    merged: Items[Identifier] = Field(min_length=2, max_length=MOST_MERGED)
    chunk: Chunk
    reason: Reason | None = None

    @property
    def gone(self) -> tuple[str, ...]:
        """Ids of the chunks whose place the new one takes."""
        return self.merged


class ChunksRestored(Payload):
    """A correction of chunks was undone: `removed`, which it made, is gone, and those before it are there again.

    `restored` is empty where the correction was not of the present content: then it is only remembered no more.
    """

    event_type: ClassVar[EventType] = EventType.CHUNKS_RESTORED
    content: Digest
    removed: Identifier
    restored: Items[Chunk] = Field(max_length=MOST_MERGED)
    reason: Reason | None = None


Recut = ChunkUpdated | ChunkMerged | ChunksRestored


def rechunked(chunks: Iterable[Chunk], change: Recut) -> tuple[Chunk, ...]:
    """The chunks after a correction, by start and end: those that it replaces are gone, its own are there."""
    if isinstance(change, ChunksRestored):
        gone, new = {change.removed}, change.restored
    else:
        gone, new = set(change.gone), (change.chunk,)
    kept = (chunk for chunk in chunks if chunk.chunk_id not in gone)
    return tuple(sorted((*kept, *new), key=lambda chunk: (chunk.start, chunk.end)))


class Mention(ManyPart):
    """A span of the text, `text[start:end]`, that names an entity."""

    entity_id: Identifier
    name: Name
    type: EntityKind
    chunk_id: Identifier
    start: Offset
    end: Offset
    confidence: Share


class Alias(ManyPart):
    """A name of the thing that a chunk is about; `quality` says how sure that name is."""

    entity_id: Identifier
    name: Name
    chunk_id: Identifier
    quality: Share


class EntitiesExtracted(StageResult):
    """The entities that the text names."""

    event_type: ClassVar[EventType] = EventType.ENTITIES_EXTRACTED
    schema_version: ClassVar[int] = 2
    item_fields: ClassVar[tuple[str, ...]] = ("mentions", "aliases")
    content: Digest
    model: Revision
    mentions: Items[Mention]
    aliases: Items[Alias]


class MentionsReassigned(Payload):
    """What the document says of the entity `entity_id` is said of `into`, also when it is taken in again.

    `rules` say so where no person does; `context` is the cosine of the nearest contexts of the two, which are that far
    apart.
    """

    event_type: ClassVar[EventType] = EventType.MENTIONS_REASSIGNED
    schema_version: ClassVar[int] = 2
    entity_id: Identifier
    into: Identifier
    reason: Reason | None = None
    rules: Revision | None = None
    context: Share | None = None


class Relation(ManyPart):
    """A statement found in the text: subject, predicate, object.

    `negated`: the text denies it. `modality`: the word that makes it less than a plain statement (`may`, `want`, `if`).
    `time`: the text's words of when it is so; `valid_from` and `valid_until`: the first and last date that they say.
    """

    relation_id: Identifier
    subject_id: Identifier
    subject: Name
    predicate: Predicate
    object_id: Identifier
    object: Name
    chunk_id: Identifier
    start: Offset
    end: Offset
    confidence: Share
    negated: bool
    modality: Words | None
    time: Words | None
    valid_from: Date | None
    valid_until: Date | None


class RelationshipsDiscovered(StageResult):
    """The relations that the text states."""

    event_type: ClassVar[EventType] = EventType.RELATIONSHIPS_DISCOVERED
    schema_version: ClassVar[int] = 3
    item_fields: ClassVar[tuple[str, ...]] = ("relations",)
    content: Digest
    model: Revision
    relations: Items[Relation]


class DocumentReread(StageResult):
    """What other models than those that the document came in with find in its chunks as they are now.

    It counts for generations of read models that show this reading; the others show what they did.
    """

    event_type: ClassVar[EventType] = EventType.DOCUMENT_REREAD
    item_fields: ClassVar[tuple[str, ...]] = ("mentions", "aliases", "relations")
    content: Digest
    entity_model: Revision
    relation_model: Revision
    mentions: Items[Mention]
    aliases: Items[Alias]
    relations: Items[Relation]

    @property
    def reading(self) -> str:
        """Its name, by both models."""
        return reading_of(self.entity_model, self.relation_model)


class Statement(Part):
    """What a relation says, as it was found; by it the same relation is known again in other content."""

    subject_id: Identifier
    subject: Name
    predicate: Predicate
    object_id: Identifier
    object: Name
    confidence: Share
    negated: bool
    modality: Words | None

    @classmethod
    def of(cls, relation: Relation) -> "Statement":
        """Of a relation as it was found."""
        return cls(**{name: getattr(relation, name) for name in cls.model_fields})


class RelationshipUpdated(Payload):
    """Somebody gave a relation another predicate or confidence, or (`undone`) left it again as it was found.

    `statement` is what was found, null in events of version 1. `earlier`: the id that the relation had in the content
    before, where the correction was made then and the present content states the same again.
    """

    event_type: ClassVar[EventType] = EventType.RELATIONSHIP_UPDATED
    schema_version: ClassVar[int] = 2
    relation_id: Identifier
    predicate: Predicate
    confidence: Share
    statement: Statement | None = None
    earlier: Identifier | None = None
    undone: bool = False
    reason: Reason | None = None


class RelationshipValidated(Payload):
    """Somebody judged a relation; null in `valid`: he took his judgement back. The rest as in RelationshipUpdated."""

    event_type: ClassVar[EventType] = EventType.RELATIONSHIP_VALIDATED
    schema_version: ClassVar[int] = 2
    relation_id: Identifier
    valid: bool | None
    reason: Reason | None = None
    statement: Statement | None = None
    earlier: Identifier | None = None
