"""What events say about one aggregate, as far as read models care: the one fold that all of them share.

A state folded from an aggregate's first event on is whole. One folded from later events has None where nothing was
said, and a read model leaves those parts alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from contracts import ids
from contracts.brief_event import FoldableEvent
from contracts.documents import (
    Alias,
    ChunkMerged,
    ChunksRestored,
    ChunkUpdated,
    DocumentChunked,
    DocumentDeleted,
    DocumentIngested,
    DocumentProcessed,
    DocumentReread,
    DocumentRestored,
    DocumentUpdated,
    EntitiesExtracted,
    Mention,
    MentionsReassigned,
    Relation,
    RelationshipsDiscovered,
    RelationshipUpdated,
    RelationshipValidated,
    StageResult,
)
from contracts.entity_decisions import EntityDecisions
from contracts.parts import collect
from contracts.payload import Payload
from contracts.reasoning import ReasoningChainValidated, ReasoningQueryExecuted, ReasoningResultCached
from projections import document_state
from projections.document_state import DocumentState, JudgedRelation


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
    DocumentRestored: "ingested",
    DocumentChunked: "chunked",
    EntitiesExtracted: "extracted",
    RelationshipsDiscovered: "related",
    DocumentProcessed: "processed",
}
_WHOLE = (
    DocumentIngested,
    DocumentUpdated,
    DocumentRestored,
    DocumentChunked,
    EntitiesExtracted,
    RelationshipsDiscovered,
    DocumentProcessed,
    DocumentDeleted,
    DocumentReread,
    ReasoningQueryExecuted,
)


def bytes_of(state: State | None) -> int:
    """About how many bytes a read model makes of a state: its text, and a row for each item."""
    if not isinstance(state, DocumentState):
        return ROW_BYTES
    chunks = state.chunks or ()
    items = len(state.mentions or ()) + len(state.aliases or ()) + len(state.relations or ())
    text = max((chunk.end for chunk in chunks), default=0)
    readings = sum(bytes_of(one._replace(chunks=())) for one in state.readings.values())
    return text + ROW_BYTES * (1 + items) + VECTOR_BYTES * len(chunks) + readings


def needed_from(event: FoldableEvent, *, chunks_say_content: bool = False) -> int:
    """The version of the aggregate's first event that has to be folded for what this one says.

    One that replaces a section needs none before it, the last part of a result needs the other parts, one that amends
    a section needs all; chunks do, too, where their rows say something of the content (`chunks_say_content`).
    """
    data = event.event_data
    if chunks_say_content and isinstance(data, DocumentChunked) and data.is_last:
        return 1
    if isinstance(data, StageResult) and data.is_last:
        return event.aggregate_version - data.part + 1
    return event.aggregate_version if isinstance(data, _WHOLE) else 1


def fold(events: Iterable[FoldableEvent]) -> State | None:
    """The state after `events` of one aggregate; None when no read model cares for its kind."""
    state: State | None = None
    for event in events:
        data = event.event_data
        if data is None:
            continue
        if event.kind == "document":
            state = _document(state if isinstance(state, DocumentState) else DocumentState(), event, data)
        elif event.kind == "entity":
            decisions = state if isinstance(state, EntityDecisions) else EntityDecisions()
            state = decisions.after(event.aggregate_version, data)
        elif event.kind == "reasoning_query":
            state = _query(state if isinstance(state, QueryState) else QueryState(), event)
    return state


def _document(state: DocumentState, event: FoldableEvent, data: Payload) -> DocumentState:
    if isinstance(data, StageResult) and (data.parts > 1 or state.parts):
        parts, whole = collect(state.parts, data)
        state = state._replace(parts=parts)
        if whole is None:
            return state
        data = whole
    if isinstance(data, DocumentReread):
        return _with_reading(state, event.tenant, data)
    if state.readings and not isinstance(data, DocumentIngested | DocumentUpdated | DocumentRestored | DocumentDeleted):
        others = {name: _amended(one, event, data) for name, one in state.readings.items()}
        state = state._replace(readings=MappingProxyType(others))
    return _amended(state, event, data)


def _with_reading(state: DocumentState, tenant: str, data: DocumentReread) -> DocumentState:
    own = document_state.reread(
        state,
        _named_today(tenant, data.mentions),
        _named_today(tenant, data.aliases),
        tuple([JudgedRelation(_between_today(tenant, one)) for one in data.relations]),
    )
    return state._replace(readings=MappingProxyType({**state.readings, data.reading: own}))


def _amended(state: DocumentState, event: FoldableEvent, data: Payload) -> DocumentState:
    stage = _STAGES.get(type(data), state.stage)
    at = event.timestamp if type(data) in _STAGES else state.at
    tenant = event.tenant
    match data:
        case DocumentIngested() | DocumentUpdated() | DocumentRestored():
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
            return state._replace(
                stage=stage,
                at=at,
                title=data.title,
                digest=data.content,
                embedder=data.embedder,
                chunks=data.chunks,
            )
        case EntitiesExtracted():
            return state._replace(
                stage=stage,
                at=at,
                mentions=_named_today(tenant, data.mentions),
                aliases=_named_today(tenant, data.aliases),
            )
        case RelationshipsDiscovered():
            return state._replace(
                stage=stage,
                at=at,
                relations=tuple([JudgedRelation(_between_today(tenant, one)) for one in data.relations]),
            )
        case DocumentProcessed():
            return state._replace(stage=stage, at=at)
        case RelationshipUpdated():
            return document_state.amended(state, data)
        case RelationshipValidated():
            return document_state.judged(state, data)
        case MentionsReassigned():
            return document_state.reassigned(state, data)
        case ChunkUpdated() | ChunkMerged():
            return document_state.recut(state, data)
        case ChunksRestored():
            return document_state.restored(state, data)
        case _:
            return state


def _named_today(tenant: str, parts: tuple[Named, ...]) -> tuple[Named, ...]:
    """Under the ids that their entities have today. The event keeps what it said."""
    return tuple([part if ids.keeps_entity_id(part.name) else _of_today(tenant, part) for part in parts])


def _of_today(tenant: str, part: Named) -> Named:
    entity = ids.present_entity_id(tenant, part.entity_id, part.name)
    return part if entity == part.entity_id else part.model_copy(update={"entity_id": entity})


def _between_today(tenant: str, relation: Relation) -> Relation:
    """The same of both its ends. A relation keeps its own id, by which people judged it."""
    if ids.keeps_entity_id(relation.subject) and ids.keeps_entity_id(relation.object):
        return relation
    subject = ids.present_entity_id(tenant, relation.subject_id, relation.subject)
    obj = ids.present_entity_id(tenant, relation.object_id, relation.object)
    if (subject, obj) == (relation.subject_id, relation.object_id):
        return relation
    return relation.model_copy(update={"subject_id": subject, "object_id": obj})


def _query(state: QueryState, event: FoldableEvent) -> QueryState:
    match event.event_data:
        case ReasoningQueryExecuted() as executed:
            return replace(state, executed=executed, at=event.timestamp, cache_key=executed.key)
        case ReasoningResultCached() as cached:
            return replace(state, cache_key=cached.key)
        case ReasoningChainValidated(chain=chain, valid=valid):
            others = {one: judged for one, judged in state.judgements.items() if one != chain}
            return replace(state, judgements=others if valid is None else {**others, chain: valid})
        case _:
            return state
