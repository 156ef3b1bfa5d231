"""The Document: taken in, changed, worked on stage by stage, deleted; `document_corrections` has what people correct.

Immutable, in the functional style of `eventsourcing` (its examples 6 to 8): `project` folds events to a state,
each decision maps a state and a command to new events. An empty tuple means that nothing changes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from aggregates import remembered
from aggregates.cause import Cause, RefusedError
from aggregates.id_set import NO_IDS, IdSet
from aggregates.remembered import CorrectedChunk, Judgement, Judgements
from contracts.codec import canonical
from contracts.documents import (
    ChunkMerged,
    ChunksRestored,
    ChunkUpdated,
    DocumentChunked,
    DocumentContent,
    DocumentDeleted,
    DocumentIngested,
    DocumentProcessed,
    DocumentReread,
    DocumentRestored,
    DocumentUpdated,
    EntitiesExtracted,
    MentionsReassigned,
    Recut,
    Relation,
    RelationshipsDiscovered,
    RelationshipUpdated,
    RelationshipValidated,
    StageResult,
    TakenIn,
    TextReference,
    rechunked,
)
from contracts.envelope import DomainEvent
from contracts.erased import Erased
from contracts.lazy_sequence import LazySequence
from contracts.parts import collect, split
from contracts.payload import Payload, Scalar
from contracts.readings import reading_of
from contracts.reassigning import meant_by

Decision = Callable[["Document | None"], Sequence[DomainEvent]]
HOMONYM_RULES = "homonyms/1"
"""Revision of the rules that tell homonyms apart (aggregates/matching/homonyms.py)."""
_NO_TEXT = TextReference(digest="0" * 64, characters=0, bytes=0)
Parts = Sequence[StageResult]
"""A stage's result, already in parts."""


@dataclass(frozen=True, slots=True)
class Document:
    """State of one document.

    `present` holds the ids of the events that speak of its present content; of a result in parts, that of the last one.
    Of entities and relations, of which a text may hold a million, it knows the ids alone: `extracted` those of the
    entities, `related` those of the relations. `parts` and `ids` are those of a result that is not whole yet.
    `reassigned`: the entities instead of which this document means others, whatever its content; of those in `decided`
    people said so.

    `judgements` and `recuts` are what people corrected, in the order of their last events: they outlive the content
    that they were made in, until the document is deleted; should that be undone, they are `forgotten` until then.
    `candidates` are relations that judgements may be of which wait.

    `found_by`: the models that found the entities and the relations as the content came in; `readings`: those of other
    models. What one of these found is known like all else: people decide on it, too. `judged_as`: of a relation that
    several of them state, each by an id of its own, the id by which `judgements` have it, by the others.
    """

    tenant: str
    document_id: str
    version: int
    title: str
    text: TextReference
    uri: str | None
    attributes: dict[str, Scalar]
    deleted: bool
    present: frozenset[UUID]
    chunked: DocumentChunked | None = None
    extracted: IdSet | None = None
    related: IdSet | None = None
    processed: DocumentProcessed | None = None
    parts: tuple[DocumentChunked, ...] = ()
    ids: IdSet = NO_IDS
    reassigned: tuple[tuple[str, str], ...] = ()
    decided: frozenset[str] = frozenset()
    judgements: Judgements = field(default_factory=dict)
    recuts: tuple[CorrectedChunk, ...] = ()
    candidates: tuple[Relation, ...] = ()
    forgotten: tuple[Judgements, tuple[CorrectedChunk, ...]] = ({}, ())
    found_by: tuple[str, str] = ("", "")
    readings: frozenset[str] = frozenset()
    judged_as: Mapping[str, str] = field(default_factory=dict)

    @property
    def orphaned_judgements(self) -> tuple[Judgement, ...]:
        """Judgements of relations that the present content does not state, once it is processed."""
        return () if self.processed is None else tuple(one for one in self.judgements.values() if not one.attached)

    @property
    def orphaned_recuts(self) -> tuple[CorrectedChunk, ...]:
        """Corrections of chunks that the present content has not, once it is processed."""
        return () if self.processed is None else tuple(one for one in self.recuts if not one.attached)

    def judged_by(self, relation_id: str) -> str:
        """By which id it is decided on a relation."""
        return self.judged_as.get(relation_id, relation_id)

    def is_read_by(self, entity_model: str, relation_model: str) -> bool:
        """Whether it is known what these find in the present content."""
        return (entity_model, relation_model) == self.found_by or (
            reading_of(entity_model, relation_model) in self.readings
        )

    def is_present(self, event_id: UUID) -> bool:
        """Whether that event speaks of the content as it now is."""
        return not self.deleted and event_id in self.present

    @staticmethod
    def project(events: Iterable[DomainEvent], state: "Document | None" = None) -> "Document | None":
        """The state after `events`, which go on from `state`; without one they start with the document's first."""
        for event in events:
            state = evolve(state, event)
        return state


def evolve(state: Document | None, event: DomainEvent) -> Document | None:
    """The state after one more event."""
    data = event.event_data
    if isinstance(data, TakenIn):
        judgements, recuts = _remembered(state, data)
        return Document(
            tenant=event.tenant,
            document_id=event.aggregate_id,
            version=event.aggregate_version,
            title=data.title,
            text=data.text,
            uri=data.uri,
            attributes=data.attributes,
            deleted=False,
            present=frozenset({event.event_id}),
            reassigned=() if state is None else state.reassigned,
            decided=frozenset() if state is None else state.decided,
            judgements=judgements,
            recuts=recuts,
        )
    if isinstance(data, Erased):
        return _erased(event)
    if state is None:
        return None
    state = replace(state, version=event.aggregate_version)
    if isinstance(data, StageResult):
        state = _with_part(state, data)
        if not data.is_last:
            return state
    state = replace(state, present=state.present | {event.event_id})
    match data:
        case DocumentDeleted():
            forgotten = remembered.detached(state.judgements, state.recuts)
            return replace(state, deleted=True, present=frozenset(), judgements={}, recuts=(), forgotten=forgotten)
        case ChunkUpdated() | ChunkMerged() | ChunksRestored():
            return _recut(state, data)
        case RelationshipUpdated() | RelationshipValidated():
            attached = state.related is not None and data.relation_id in state.related
            judgements = remembered.decided(state.judgements, data, attached=attached)
            return replace(state, judgements=judgements, judged_as=_judged_as(state, data))
        case DocumentProcessed():
            return replace(state, processed=data)
        case MentionsReassigned():
            return _reassigned(state, data)
        case _:
            return state


def _judged_as(state: Document, data: RelationshipUpdated | RelationshipValidated) -> Mapping[str, str]:
    """What was decided is said again of what another reading states, beside the one that it was said of."""
    earlier, now = data.earlier, data.relation_id
    if earlier is None or earlier == now or state.related is None or earlier not in state.related:
        return state.judged_as
    return {**{old: now if own == earlier else own for old, own in state.judged_as.items()}, earlier: now}


def _erased(event: DomainEvent) -> Document:
    """A document of which its number of events is left, as one that was deleted."""
    return Document(
        tenant=event.tenant,
        document_id=event.aggregate_id,
        version=event.aggregate_version,
        title="",
        text=_NO_TEXT,
        uri=None,
        attributes={},
        deleted=True,
        present=frozenset(),
    )


def _remembered(state: Document | None, content: TakenIn) -> tuple[Judgements, tuple[CorrectedChunk, ...]]:
    """What people corrected in the content before."""
    if state is None:
        return {}, ()
    if state.deleted and isinstance(content, DocumentRestored):
        return state.forgotten
    return remembered.detached(state.judgements, state.recuts)


def _with_part(state: Document, part: StageResult) -> Document:
    """One more part of a stage's result, and with the last one the result."""
    if isinstance(part, DocumentChunked):
        parts, chunked = collect(state.parts, part)
        return replace(state, parts=parts, chunked=state.chunked if chunked is None else chunked)
    earlier = NO_IDS if part.part == 1 else state.ids
    match part:
        case EntitiesExtracted():
            found = earlier.union(IdSet.of(mention.entity_id for mention in part.mentions))
            state = replace(state, found_by=(part.model, state.found_by[1]))
            return replace(state, ids=NO_IDS, extracted=found.compact()) if part.is_last else replace(state, ids=found)
        case RelationshipsDiscovered():
            found = earlier.union(IdSet.of(relation.relation_id for relation in part.relations))
            before = () if part.part == 1 else state.candidates
            alike = remembered.candidates(state.judgements, part.relations)
            by = (state.found_by[0], part.model)
            state = replace(state, candidates=(*before, *alike), found_by=by)
            return replace(state, ids=NO_IDS, related=found.compact()) if part.is_last else replace(state, ids=found)
        case DocumentReread():
            extracted = (state.extracted or NO_IDS).union(IdSet.of(mention.entity_id for mention in part.mentions))
            related = (state.related or NO_IDS).union(IdSet.of(relation.relation_id for relation in part.relations))
            readings = state.readings | {part.reading} if part.is_last else state.readings
            return replace(state, extracted=extracted.compact(), related=related.compact(), readings=readings)
        case _:
            return state


def ingest(state: Document | None, document_id: str, content: DocumentContent, cause: Cause) -> tuple[DomainEvent, ...]:
    """Take a document in: new, changed, or just the same again."""
    if state is None or state.deleted:
        return (cause.event(_as(DocumentIngested, content), document_id, 1 if state is None else state.version + 1),)
    if _same(state, content):
        return ()
    return (cause.event(_as(DocumentUpdated, content), document_id, state.version + 1),)


def chunk(state: Document | None, of: UUID, result: DocumentChunked, cause: Cause) -> Sequence[DomainEvent]:
    """Accept chunks of the present content, once; as several events where they are too many for one."""
    return _result(state, of, result, cause, done=state is not None and state.chunked is not None)


def extract_entities(
    state: Document | None, of: UUID, result: EntitiesExtracted | Parts, cause: Cause
) -> Sequence[DomainEvent]:
    """Accept entities of the present content, once; as several events where they are too many for one."""
    return _result(state, of, _meant(state, result), cause, done=state is not None and state.extracted is not None)


def discover_relationships(
    state: Document | None, of: UUID, result: RelationshipsDiscovered | Parts, cause: Cause
) -> Sequence[DomainEvent]:
    """Accept relations of the present content, once; as several events where they are too many for one."""
    return _result(state, of, _meant(state, result), cause, done=state is not None and state.related is not None)


def reread(state: Document | None, version: int, result: Parts, cause: Cause) -> Sequence[DomainEvent]:
    """Accept what other models found in the document as it was at this version, once; what people decided on relations
    is said again of those that state the same. Nothing where it changed since: it has to be read anew.
    """
    if state is None or state.deleted or state.processed is None or state.version != version:
        return ()
    first = result[0]
    if not isinstance(first, DocumentReread) or state.is_read_by(first.entity_model, first.relation_model):
        return ()
    parts = _meant(state, result)
    assert not isinstance(parts, Payload)
    waiting, _ = remembered.detached(state.judgements, ())
    alike = (
        one
        for part in (parts if waiting else ())
        if isinstance(part, DocumentReread)
        for one in remembered.candidates(waiting, part.relations)
    )
    judged = remembered.stated_again(waiting, tuple(alike))
    return cause.events((*parts, *judged), state.document_id, state.version + 1)


def complete(
    state: Document | None,
    of: UUID,
    result: DocumentProcessed,
    cause: Cause,
    recuts: Sequence[ChunkUpdated | ChunkMerged] = (),
) -> Sequence[DomainEvent]:
    """Call the present content processed, once; what people decided in earlier content is said of it before.

    `recuts`: corrections of chunks that it has again, each of the chunks as those before it left them.
    """
    if state is None or state.processed is not None or not state.is_present(of):
        return ()
    judged = remembered.stated_again(state.judgements, state.candidates)
    return cause.events((*recuts, *judged, result), state.document_id, state.version + 1)


def delete(state: Document | None, reason: str | None, cause: Cause) -> tuple[DomainEvent, ...]:
    """Delete the document; deleting it again, or what never was, changes nothing."""
    if state is None or state.deleted:
        return ()
    return (cause.event(DocumentDeleted(reason=reason), state.document_id, state.version + 1),)


def restore(
    state: Document | None, content: DocumentContent, reason: str | None, cause: Cause
) -> tuple[DomainEvent, ...]:
    """Hold again what was held before a deletion or an update, which is the cause. Raises RefusedError."""
    if state is None:
        raise RefusedError("there is no such document")
    restored = DocumentRestored(**_fields(content), reason=reason)
    return (cause.event(restored, state.document_id, state.version + 1),)


def reassign(state: Document | None, change: MentionsReassigned, cause: Cause) -> tuple[DomainEvent, ...]:
    """Say of whom else the document speaks; the same again changes nothing. Of a deleted one, what was said before can
    be taken back, as it would count once the document is taken in again.

    Raises RefusedError for an entity that is reassigned to itself.
    """
    if change.entity_id == change.into:
        raise RefusedError(f"entity {change.into} cannot be reassigned to itself")
    if state is None or (change.entity_id, change.into) in state.reassigned:
        return ()
    if state.deleted and all(into != change.entity_id for _, into in state.reassigned):
        return ()
    return (cause.event(change, state.document_id, state.version + 1),)


def separate(
    state: Document | None, entity: str, into: str, context: float | None, cause: Cause
) -> tuple[DomainEvent, ...]:
    """Say by rules that the document means `into` by the name of `entity`, which may be itself. People come first."""
    if state is None or state.deleted:
        return ()
    now = dict(state.reassigned).get(entity, entity)
    if into == now or {entity, now} & state.decided:
        return ()
    change = MentionsReassigned(entity_id=now, into=into, rules=HOMONYM_RULES, context=context)
    return (cause.event(change, state.document_id, state.version + 1),)


def _as(payload: type[DocumentContent], content: DocumentContent) -> DocumentContent:
    return payload(**_fields(content))


def _fields(content: DocumentContent) -> dict[str, Any]:
    return {name: getattr(content, name) for name in DocumentContent.model_fields}


def _same(state: Document, content: DocumentContent) -> bool:
    if (state.title, state.text, state.uri) != (content.title, content.text, content.uri):
        return False
    # As Python values 1, 1.0 and True are equal; as JSON they are not.
    return canonical(state.attributes) == canonical(content.attributes)


def _result(
    state: Document | None, of: UUID, result: Payload | Parts, cause: Cause, *, done: bool
) -> Sequence[DomainEvent]:
    if state is None or done or not state.is_present(of):
        return ()
    whole = (result,) if isinstance(result, Payload) else result
    parts = split(result) if isinstance(result, StageResult) else whole
    return cause.events(parts, state.document_id, state.version + 1)


def _meant(state: Document | None, result: StageResult | Parts) -> StageResult | Parts:
    """Of the entities that people said the document means."""
    if state is None or not state.reassigned:
        return result
    instead = dict(state.reassigned)
    if isinstance(result, StageResult):
        return meant_by(result, instead)
    return LazySequence(len(result), lambda index: meant_by(result[index], instead))


def _reassigned(state: Document, change: MentionsReassigned) -> Document:
    """Who was reassigned to the one that is reassigned now goes on with it; who comes back to itself is free again."""
    moved = {old: change.into if into == change.entity_id else into for old, into in state.reassigned}
    moved[change.entity_id] = change.into
    known = state.extracted
    return replace(
        state,
        reassigned=tuple(sorted((old, into) for old, into in moved.items() if old != into)),
        decided=state.decided if change.rules is not None else state.decided | {change.entity_id, change.into},
        extracted=None if known is None else known.union(IdSet.of((change.into,))).compact(),
    )


def _recut(state: Document, change: Recut) -> Document:
    if state.chunked is None:
        return state
    recuts = remembered.recut(state.recuts, state.chunked.chunks, change)
    chunked = state.chunked.model_copy(update={"chunks": rechunked(state.chunked.chunks, change)})
    return replace(state, chunked=chunked, recuts=recuts)
