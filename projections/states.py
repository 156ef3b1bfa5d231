"""What events say about one aggregate, as far as read models care: the one fold that all of them share.

A state folded from an aggregate's first event on is whole. One folded from later events has None where nothing was
said, and a read model leaves those parts alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from contracts import ids
from contracts.documents import (
    Alias,
    Chunk,
    ChunkMerged,
    ChunksRestored,
    ChunkUpdated,
    DocumentChunked,
    DocumentContent,
    DocumentDeleted,
    DocumentIngested,
    DocumentProcessed,
    DocumentUpdated,
    EntitiesExtracted,
    Mention,
    MentionsReassigned,
    Relation,
    RelationshipsDiscovered,
    RelationshipUpdated,
    RelationshipValidated,
    StageResult,
    rechunked,
)
from contracts.entity_decisions import EntityDecisions
from contracts.envelope import DomainEvent
from contracts.parts import collect
from contracts.reasoning import ReasoningChainValidated, ReasoningQueryExecuted, ReasoningResultCached
from contracts.reassigning import meant


@dataclass(frozen=True, slots=True)
class JudgedRelation:
    """A relation, and what somebody thinks of it (None: nobody said)."""

    relation: Relation
    valid: bool | None = None


@dataclass(frozen=True, slots=True)
class Within:
    """What was found in one chunk."""

    mentions: tuple[Mention, ...]
    aliases: tuple[Alias, ...]
    relations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocumentState:
    """One document. After a deletion `gone` is set and every part is empty.

    `parts` are those of a stage's result that is not whole yet; they say nothing before the last one is there.
    `replaced`: of chunks that a correction replaced, what had been found in them, should they be there again;
    `uncovered` are the relations that no chunk covers now.
    """

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
    parts: tuple[StageResult, ...] = ()
    replaced: Mapping[str, Within] = field(default_factory=dict)
    uncovered: tuple[JudgedRelation, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryState:
    """One asked question."""

    executed: ReasoningQueryExecuted | None = None
    at: datetime | None = None
    cache_key: str | None = None
    judgements: Mapping[int, bool] = field(default_factory=dict)

    @property
    def valid(self) -> bool | None:
        """False where somebody called a chain wrong, True where every chain that was judged is right."""
        return all(self.judgements.values()) if self.judgements else None


State = DocumentState | EntityDecisions | QueryState
Named = TypeVar("Named", Mention, Alias)

ROW_BYTES = 300
VECTOR_BYTES = 2000

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


def bytes_of(state: State | None) -> int:
    """About how many bytes a read model makes of a state: its text, and a row for each item."""
    if not isinstance(state, DocumentState):
        return ROW_BYTES
    chunks = state.chunks or ()
    items = len(state.mentions or ()) + len(state.aliases or ()) + len(state.relations or ())
    text = max((chunk.end for chunk in chunks), default=0)
    return text + ROW_BYTES * (1 + items) + VECTOR_BYTES * len(chunks)


def needed_from(event: DomainEvent) -> int:
    """The version of the aggregate's first event that has to be folded for what this one says.

    One that replaces a section needs none before it, the last part of a result needs the other parts, one that amends
    a section needs all.
    """
    data = event.event_data
    if isinstance(data, StageResult) and data.is_last:
        return event.aggregate_version - data.part + 1
    return event.aggregate_version if isinstance(data, _WHOLE) else 1


def fold(events: Iterable[DomainEvent]) -> State | None:
    """The state after `events` of one aggregate; None when no read model cares for its kind."""
    state: State | None = None
    for event in events:
        if event.kind == "document":
            state = _document(state if isinstance(state, DocumentState) else DocumentState(), event)
        elif event.kind == "entity":
            decisions = state if isinstance(state, EntityDecisions) else EntityDecisions()
            state = decisions.after(event.aggregate_version, event.event_data)
        elif event.kind == "reasoning_query":
            state = _query(state if isinstance(state, QueryState) else QueryState(), event)
    return state


def _document(state: DocumentState, event: DomainEvent) -> DocumentState:
    data = event.event_data
    if isinstance(data, StageResult):
        parts, whole = collect(state.parts, data)
        state = replace(state, parts=parts)
        if whole is None:
            return state
        data = whole
    stage = _STAGES.get(type(data), state.stage)
    at = event.timestamp if type(data) in _STAGES else state.at
    match data:
        case DocumentIngested() | DocumentUpdated():
            return DocumentState(
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
            return DocumentState(gone=True, at=event.timestamp, chunks=(), mentions=(), aliases=(), relations=())
        case DocumentChunked():
            return replace(
                state,
                stage=stage,
                at=at,
                title=data.title,
                digest=data.content,
                embedder=data.embedder,
                chunks=data.chunks,
            )
        case EntitiesExtracted():
            return replace(
                state,
                stage=stage,
                at=at,
                mentions=tuple(_of_today(event.tenant, mention) for mention in data.mentions),
                aliases=tuple(_of_today(event.tenant, alias) for alias in data.aliases),
            )
        case RelationshipsDiscovered():
            return replace(
                state,
                stage=stage,
                at=at,
                relations=tuple(JudgedRelation(_between_today(event.tenant, one)) for one in data.relations),
            )
        case DocumentProcessed():
            return replace(state, stage=stage, at=at)
        case RelationshipUpdated():
            return _amended(state, data.relation_id, predicate=data.predicate, confidence=data.confidence)
        case RelationshipValidated():
            return _judged(state, data.relation_id, data.valid)
        case MentionsReassigned():
            return _reassigned(state, data)
        case ChunkUpdated() | ChunkMerged():
            return _rechunked(state, data)
        case ChunksRestored():
            return _restored(state, data)
        case _:
            return state


def _of_today(tenant: str, part: Named) -> Named:
    """Under the id that its entity has today. The event keeps what it said."""
    entity = ids.present_entity_id(tenant, part.entity_id, part.name)
    return part if entity == part.entity_id else part.model_copy(update={"entity_id": entity})


def _between_today(tenant: str, relation: Relation) -> Relation:
    """The same of both its ends. A relation keeps its own id, by which people judged it."""
    subject = ids.present_entity_id(tenant, relation.subject_id, relation.subject)
    obj = ids.present_entity_id(tenant, relation.object_id, relation.object)
    if (subject, obj) == (relation.subject_id, relation.object_id):
        return relation
    return relation.model_copy(update={"subject_id": subject, "object_id": obj})


def _amended(state: DocumentState, relation_id: str, **changes: object) -> DocumentState:
    def amended(judged: JudgedRelation) -> JudgedRelation:
        if judged.relation.relation_id != relation_id:
            return judged
        return replace(judged, relation=judged.relation.model_copy(update=changes))

    return _with_relations(state, amended)


def _judged(state: DocumentState, relation_id: str, valid: bool | None) -> DocumentState:
    return _with_relations(
        state, lambda judged: replace(judged, valid=valid) if judged.relation.relation_id == relation_id else judged
    )


def _with_relations(state: DocumentState, changed: Callable[[JudgedRelation], JudgedRelation]) -> DocumentState:
    """Those that no chunk covers are decided on, too."""
    relations, uncovered = tuple(map(changed, state.relations or ())), tuple(map(changed, state.uncovered))
    return replace(state, relations=relations, uncovered=uncovered)


def _reassigned(state: DocumentState, change: MentionsReassigned) -> DocumentState:
    instead = {change.entity_id: change.into}

    def within(own: Within) -> Within:
        return replace(
            own,
            mentions=tuple(meant(one, instead) for one in own.mentions),
            aliases=tuple(meant(one, instead) for one in own.aliases),
        )

    state = _with_relations(state, lambda one: replace(one, relation=meant(one.relation, instead)))
    return replace(
        state,
        mentions=tuple(meant(one, instead) for one in state.mentions or ()),
        aliases=tuple(meant(one, instead) for one in state.aliases or ()),
        replaced={chunk_id: within(own) for chunk_id, own in state.replaced.items()},
    )


def _rechunked(state: DocumentState, change: ChunkUpdated | ChunkMerged) -> DocumentState:
    """What was found in the chunks that went belongs to the new one, where that still covers it."""
    gone, chunk = set(change.gone), change.chunk

    def stays(part: Mention | Relation) -> bool:
        return part.chunk_id not in gone or (chunk.start <= part.start and part.end <= chunk.end)

    def home(part: Mention | Relation) -> str:
        return chunk.chunk_id if part.chunk_id in gone else part.chunk_id

    mentions = {
        (mention.entity_id, mention.start, mention.end, home(mention)): mention.model_copy(
            update={"chunk_id": home(mention)}
        )
        for mention in state.mentions or ()
        if stays(mention)
    }
    aliases = {
        (alias.entity_id, alias.chunk_id): alias
        for alias in (
            alias.model_copy(update={"chunk_id": chunk.chunk_id}) if alias.chunk_id in gone else alias
            for alias in state.aliases or ()
        )
    }
    relations = state.relations or ()
    return replace(
        state,
        chunks=rechunked(state.chunks or (), change),
        mentions=tuple(mentions.values()),
        aliases=tuple(aliases.values()),
        relations=tuple(
            replace(judged, relation=judged.relation.model_copy(update={"chunk_id": home(judged.relation)}))
            for judged in relations
            if stays(judged.relation)
        ),
        replaced={**state.replaced, **{one: _within(state, one) for one in gone}},
        uncovered=(*state.uncovered, *(judged for judged in relations if not stays(judged.relation))),
    )


def _within(state: DocumentState, chunk_id: str) -> Within:
    return Within(
        tuple(one for one in state.mentions or () if one.chunk_id == chunk_id),
        tuple(one for one in state.aliases or () if one.chunk_id == chunk_id),
        tuple(one.relation.relation_id for one in state.relations or () if one.relation.chunk_id == chunk_id),
    )


def _restored(state: DocumentState, change: ChunksRestored) -> DocumentState:
    """Chunks that are there again hold what had been found in them; relations as they are judged by now."""
    if all(one.chunk_id != change.removed for one in state.chunks or ()):
        return state
    found = {one.chunk_id: state.replaced.get(one.chunk_id, Within((), (), ())) for one in change.restored}
    homes = {relation_id: chunk_id for chunk_id, own in found.items() for relation_id in own.relations}

    def back(judged: JudgedRelation) -> JudgedRelation:
        home = homes.get(judged.relation.relation_id, judged.relation.chunk_id)
        return replace(judged, relation=judged.relation.model_copy(update={"chunk_id": home}))

    return replace(
        state,
        chunks=rechunked(state.chunks or (), change),
        mentions=(
            *(one for one in state.mentions or () if one.chunk_id != change.removed),
            *(one for own in found.values() for one in own.mentions),
        ),
        aliases=(
            *(one for one in state.aliases or () if one.chunk_id != change.removed),
            *(one for own in found.values() for one in own.aliases),
        ),
        relations=(
            *(back(one) for one in state.relations or ()),
            *(back(one) for one in state.uncovered if one.relation.relation_id in homes),
        ),
        replaced={one: own for one, own in state.replaced.items() if one not in found},
        uncovered=tuple(one for one in state.uncovered if one.relation.relation_id not in homes),
    )


def _query(state: QueryState, event: DomainEvent) -> QueryState:
    match event.event_data:
        case ReasoningQueryExecuted() as executed:
            return replace(state, executed=executed, at=event.timestamp)
        case ReasoningResultCached() as cached:
            return replace(state, cache_key=cached.key)
        case ReasoningChainValidated(chain=chain, valid=valid):
            others = {one: judged for one, judged in state.judgements.items() if one != chain}
            return replace(state, judgements=others if valid is None else {**others, chain: valid})
        case _:
            return state
