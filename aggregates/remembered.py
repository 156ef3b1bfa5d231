"""What people corrected in a document, remembered beyond its content: attached to it, or waiting for content like it.

A relation is known again by its id, else by what it states (subject, predicate, object, whether it is
denied, its modality); a chunk by its text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from contracts import ids
from contracts.documents import (
    Chunk,
    ChunksRestored,
    Recut,
    Relation,
    RelationshipUpdated,
    RelationshipValidated,
    Statement,
)

Judgements = Mapping[str, "Judgement"]
"""By the id that the relation has now, or had when it was last there."""
Said = tuple[str, str, str, bool, str | None]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was decided on one relation. `attached`: the present content states it.

    `predicate` and `confidence` are None where nobody corrected them, `valid` is where nobody judged. `statement` is
    None where events of an older version do not tell it: then the relation is known again by its id alone.
    """

    relation_id: str
    attached: bool
    statement: Statement | None = None
    predicate: str | None = None
    confidence: float | None = None
    valid: bool | None = None
    corrected_because: str | None = None
    judged_because: str | None = None

    @property
    def is_nothing(self) -> bool:
        """Everything was taken back."""
        return self.predicate is None and self.valid is None


@dataclass(frozen=True, slots=True)
class CorrectedChunk:
    """A chunk that somebody made in place of those that are `gone`. `attached`: the present content has it."""

    gone: tuple[Chunk, ...]
    chunk: Chunk
    content: str
    attached: bool
    reason: str | None = None


def decided(known: Judgements, event: RelationshipUpdated | RelationshipValidated, *, attached: bool) -> Judgements:
    """The judgements after one more event; `attached`: the relation is there now."""
    own = dict(known)
    before = own.pop(event.earlier or event.relation_id, None) or Judgement(event.relation_id, attached)
    statement = event.statement or before.statement
    judgement = replace(before, relation_id=event.relation_id, attached=attached, statement=statement)
    if isinstance(event, RelationshipValidated):
        judgement = replace(judgement, valid=event.valid, judged_because=event.reason)
    elif event.undone:
        judgement = replace(judgement, predicate=None, confidence=None, corrected_because=None)
    else:
        judgement = replace(
            judgement, predicate=event.predicate, confidence=event.confidence, corrected_because=event.reason
        )
    return own if judgement.is_nothing else {**own, event.relation_id: judgement}


def recut(known: Sequence[CorrectedChunk], chunks: Iterable[Chunk], event: Recut) -> tuple[CorrectedChunk, ...]:
    """The corrections after one more event; `chunks` are those before it."""
    if isinstance(event, ChunksRestored):
        return tuple(one for one in known if one.chunk.chunk_id != event.removed)
    there = {chunk.chunk_id: chunk for chunk in chunks}
    gone = tuple(there[one] for one in event.gone if one in there)
    # The same one in other content: it waits no more.
    kept = (one for one in known if one.attached or one.chunk.chunk_id != event.chunk.chunk_id)
    return (*kept, CorrectedChunk(gone, event.chunk, event.content, True, event.reason))


def detached(judgements: Judgements, recuts: Sequence[CorrectedChunk]) -> tuple[Judgements, tuple[CorrectedChunk, ...]]:
    """All of it, waiting: the content is another one now."""
    waiting = {key: replace(one, attached=False) for key, one in judgements.items()}
    return waiting, tuple(replace(one, attached=False) for one in recuts)


def candidates(judgements: Judgements, relations: Iterable[Relation]) -> tuple[Relation, ...]:
    """Those of these relations that a judgement which waits may be of."""
    waiting = _waiting(judgements)
    if not waiting:
        return ()
    own = {one.relation_id for one in waiting}
    wanted = {_said(one.statement) for one in waiting if one.statement is not None}
    return tuple(one for one in relations if one.relation_id in own or _said(one) in wanted)


def stated_again(
    judgements: Judgements, relations: Sequence[Relation]
) -> Iterator[RelationshipUpdated | RelationshipValidated]:
    """What is to be said of the relations of new content: of each judgement that waits, once, where it is stated.

    Two judgements never meet at one relation: first come those whose relation has the id that it had.
    """
    waiting = _waiting(judgements)
    own = {one.relation_id for one in waiting}
    same = {one.relation_id: one for one in relations if one.relation_id in own}
    alike: dict[Said, list[Relation]] = {}
    for relation in relations:
        if relation.relation_id not in own:
            alike.setdefault(_said(relation), []).append(relation)
    for one in waiting:
        found = same.get(one.relation_id)
        if found is None and one.statement is not None:
            others = alike.get(_said(one.statement))
            found = others.pop(0) if others else None
        if found is not None:
            yield from _again(one, found)


def _waiting(judgements: Judgements) -> list[Judgement]:
    return [one for one in judgements.values() if not one.attached]


def _again(one: Judgement, relation: Relation) -> Iterator[RelationshipUpdated | RelationshipValidated]:
    earlier = one.relation_id
    if one.predicate is not None and one.confidence is not None:
        yield RelationshipUpdated(
            relation_id=relation.relation_id,
            predicate=one.predicate,
            confidence=one.confidence,
            statement=Statement.of(relation),
            earlier=earlier,
            reason=one.corrected_because,
        )
        earlier = relation.relation_id
    if one.valid is not None:
        yield RelationshipValidated(
            relation_id=relation.relation_id,
            valid=one.valid,
            statement=Statement.of(relation),
            earlier=earlier,
            reason=one.judged_because,
        )


def _said(stated: Statement | Relation) -> Said:
    """By names: which entities they are of is decided elsewhere, and may be decided anew."""
    subject, obj = ids.normalise_name(stated.subject), ids.normalise_name(stated.object)
    return subject, stated.predicate, obj, stated.negated, stated.modality
