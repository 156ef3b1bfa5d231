"""What events say about one aggregate, as far as read models care: the one fold that all of them share.

A picture folded from an aggregate's first event on is whole. One folded from later events has None where nothing was
said, and a read model leaves those parts alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.documents import (
    Alias,
    Chunk,
    ChunkMerged,
    ChunkUpdated,
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
    RelationshipUpdated,
    RelationshipValidated,
)
from contracts.entities import EntityMerged, EntityUpdated, EntityValidated
from contracts.envelope import DomainEvent
from contracts.reasoning import ReasoningQueryExecuted, ReasoningResultCached


@dataclass(frozen=True, slots=True)
class JudgedRelation:
    """A relation, and what somebody thinks of it (None: nobody said)."""

    relation: Relation
    valid: bool | None = None


@dataclass(frozen=True, slots=True)
class DocumentPicture:
    """One document. After a deletion `gone` is set and every part is empty."""

    gone: bool = False
    content: DocumentContent | None = None
    stage: str | None = None
    at: datetime | None = None
    taken_at: datetime | None = None
    title: str | None = None
    digest: str | None = None
    embedder: str | None = None
    chunks: tuple[Chunk, ...] | None = None
    mentions: tuple[Mention, ...] | None = None
    aliases: tuple[Alias, ...] | None = None
    relations: tuple[JudgedRelation, ...] | None = None


@dataclass(frozen=True, slots=True)
class EntityPicture:
    """What people decided about one entity."""

    updated: EntityUpdated | None = None
    merged_into: str | None = None
    validated: EntityValidated | None = None


@dataclass(frozen=True, slots=True)
class QueryPicture:
    """One asked question."""

    executed: ReasoningQueryExecuted | None = None
    at: datetime | None = None
    cache_key: str | None = None


Picture = DocumentPicture | EntityPicture | QueryPicture

_STAGES = {
    DocumentIngested: "ingested",
    DocumentUpdated: "ingested",
    DocumentChunked: "chunked",
    EntitiesExtracted: "extracted",
    RelationshipsDiscovered: "related",
    DocumentProcessed: "processed",
}
_WHOLE = (
    DocumentIngested,
    DocumentUpdated,
    DocumentChunked,
    EntitiesExtracted,
    RelationshipsDiscovered,
    DocumentProcessed,
    DocumentDeleted,
    ReasoningQueryExecuted,
)


def speaks_for_itself(event: DomainEvent) -> bool:
    """Whether the event replaces whole parts; one that amends a part needs the events before it."""
    return isinstance(event.event_data, _WHOLE)


def fold(events: Iterable[DomainEvent]) -> Picture | None:
    """The picture after `events` of one aggregate; None when no read model cares for its kind."""
    picture: Picture | None = None
    for event in events:
        if event.kind == "document":
            picture = _document(picture if isinstance(picture, DocumentPicture) else DocumentPicture(), event)
        elif event.kind == "entity":
            picture = _entity(picture if isinstance(picture, EntityPicture) else EntityPicture(), event)
        elif event.kind == "reasoning_query":
            picture = _query(picture if isinstance(picture, QueryPicture) else QueryPicture(), event)
    return picture


def _document(picture: DocumentPicture, event: DomainEvent) -> DocumentPicture:
    data = event.event_data
    stage = _STAGES.get(type(data), picture.stage)
    at = event.timestamp if type(data) in _STAGES else picture.at
    match data:
        case DocumentIngested() | DocumentUpdated():
            return DocumentPicture(
                stage=stage,
                at=at,
                content=data,
                taken_at=event.timestamp,
                title=data.title,
                digest=data.text.digest,
                chunks=(),
                mentions=(),
                aliases=(),
                relations=(),
            )
        case DocumentDeleted():
            return DocumentPicture(gone=True, at=event.timestamp, chunks=(), mentions=(), aliases=(), relations=())
        case DocumentChunked():
            return replace(
                picture,
                stage=stage,
                at=at,
                title=data.title,
                digest=data.content,
                embedder=data.embedder,
                chunks=data.chunks,
            )
        case EntitiesExtracted():
            return replace(picture, stage=stage, at=at, mentions=data.mentions, aliases=data.aliases)
        case RelationshipsDiscovered():
            return replace(
                picture, stage=stage, at=at, relations=tuple(JudgedRelation(relation) for relation in data.relations)
            )
        case DocumentProcessed():
            return replace(picture, stage=stage, at=at)
        case RelationshipUpdated():
            return _amended(picture, data.relation_id, predicate=data.predicate, confidence=data.confidence)
        case RelationshipValidated():
            return _judged(picture, data.relation_id, data.valid)
        case ChunkUpdated():
            return _rechunked(picture, {data.replaced}, data.chunk)
        case ChunkMerged():
            return _rechunked(picture, set(data.merged), data.chunk)
        case _:
            return picture


def _amended(picture: DocumentPicture, relation_id: str, **changes: object) -> DocumentPicture:
    relations = tuple(
        replace(judged, relation=judged.relation.model_copy(update=changes))
        if judged.relation.relation_id == relation_id
        else judged
        for judged in picture.relations or ()
    )
    return replace(picture, relations=relations)


def _judged(picture: DocumentPicture, relation_id: str, valid: bool) -> DocumentPicture:
    relations = tuple(
        replace(judged, valid=valid) if judged.relation.relation_id == relation_id else judged
        for judged in picture.relations or ()
    )
    return replace(picture, relations=relations)


def _rechunked(picture: DocumentPicture, gone: set[str], chunk: Chunk) -> DocumentPicture:
    """What was found in the chunks that went belongs to the new one, where that still covers it."""
    kept = [old for old in picture.chunks or () if old.chunk_id not in gone]

    def stays(part: Mention | Relation) -> bool:
        return part.chunk_id not in gone or (chunk.start <= part.start and part.end <= chunk.end)

    def home(part: Mention | Relation) -> str:
        return chunk.chunk_id if part.chunk_id in gone else part.chunk_id

    mentions = {
        (mention.entity_id, mention.start, mention.end, home(mention)): mention.model_copy(
            update={"chunk_id": home(mention)}
        )
        for mention in picture.mentions or ()
        if stays(mention)
    }
    aliases = {
        (alias.entity_id, alias.chunk_id): alias
        for alias in (
            alias.model_copy(update={"chunk_id": chunk.chunk_id}) if alias.chunk_id in gone else alias
            for alias in picture.aliases or ()
        )
    }
    return replace(
        picture,
        chunks=tuple(sorted([*kept, chunk], key=lambda one: (one.start, one.end))),
        mentions=tuple(mentions.values()),
        aliases=tuple(aliases.values()),
        relations=tuple(
            replace(judged, relation=judged.relation.model_copy(update={"chunk_id": home(judged.relation)}))
            for judged in picture.relations or ()
            if stays(judged.relation)
        ),
    )


def _entity(picture: EntityPicture, event: DomainEvent) -> EntityPicture:
    match event.event_data:
        case EntityUpdated() as updated:
            return replace(picture, updated=updated)
        case EntityMerged() as merged:
            return replace(picture, merged_into=merged.into)
        case EntityValidated() as validated:
            return replace(picture, validated=validated)
        case _:
            return picture


def _query(picture: QueryPicture, event: DomainEvent) -> QueryPicture:
    match event.event_data:
        case ReasoningQueryExecuted() as executed:
            return replace(picture, executed=executed, at=event.timestamp)
        case ReasoningResultCached() as cached:
            return replace(picture, cache_key=cached.key)
        case _:
            return picture
