"""What was done to a document or a question and can be undone: a pile for each thing, of which the topmost is in force.

Undoing takes the topmost away, and what lies below it is in force again. Decisions on entities do the same in
`contracts/entity_decisions.py`; here is the rest: a document's content, its chunks, its relations, chains of answers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from aggregates.cause import RefusedError
from contracts.documents import (
    ChunkMerged,
    ChunksRestored,
    ChunkUpdated,
    DocumentDeleted,
    DocumentIngested,
    DocumentRestored,
    DocumentUpdated,
    RelationshipUpdated,
    RelationshipValidated,
)
from contracts.envelope import DomainEvent
from contracts.payload import Payload
from contracts.reasoning import ReasoningChainValidated
from contracts.undoing import UNDONE_BY

Thing = tuple[str, str]
"""What a pile is of: a kind, and the id of the relation or chunk, or the number of the chain."""
CONTENT: Thing = ("content", "")
ON_RELATIONS = ("predicate", "judgement")
"""The piles that a relation may have."""


@dataclass(frozen=True, slots=True)
class Done:
    """`piles`: what was done to each thing and not undone, the last at the end.

    `undone`: by which event each was undone. `again`: events that say an earlier one again, of other content.
    """

    piles: Mapping[Thing, tuple[DomainEvent, ...]] = field(default_factory=dict)
    undone: Mapping[UUID, UUID] = field(default_factory=dict)
    again: Mapping[UUID, UUID] = field(default_factory=dict)

    @staticmethod
    def project(events: Iterable[DomainEvent], state: "Done | None" = None) -> "Done":
        """What is done after `events`, which go on from `state`."""
        before = state or Done()
        folding = _Folding(dict(before.piles), dict(before.undone), dict(before.again))
        for event in events:
            folding.after(event)
        return Done(folding.piles, folding.undone, folding.again)

    def below(self, event: DomainEvent) -> tuple[Thing, DomainEvent | None]:
        """What the event was done to, and what is in force of it once it is undone; None: what nobody decided.

        Raises RefusedError where it cannot be undone: it was already, or something newer lies upon it.
        """
        own = self.again.get(event.event_id, event.event_id)
        if own in self.undone:
            raise RefusedError(
                f"event {event.event_id} was undone already, by event {self.undone[own]}; "
                f"see: annals history {event.aggregate_id}"
            )
        for thing, pile in self.piles.items():
            ids = [one.event_id for one in pile]
            if own not in ids:
                continue
            if own != ids[-1]:
                raise RefusedError(_lies_upon(pile[-1], event))
            return thing, pile[-2] if len(pile) > 1 else None
        raise RefusedError(
            f"what event {event.event_id} did is not in force any more; see: annals history {event.aggregate_id}"
        )


@dataclass(slots=True)
class _Folding:
    """While events are folded."""

    piles: dict[Thing, tuple[DomainEvent, ...]]
    undone: dict[UUID, UUID]
    again: dict[UUID, UUID]

    def after(self, event: DomainEvent) -> None:
        data = event.event_data
        thing = _thing_of(data)
        if thing is None:
            return
        if isinstance(data, DocumentIngested):
            # Nothing is left of what people corrected in it before.
            self.piles = {thing: self.piles.get(thing, ())}
        pile = self._pile(thing, data)
        if pile and self._undoes(event, pile[-1]):
            self.undone[pile[-1].event_id] = event.event_id
            self.piles[thing] = pile[:-1]
        elif _takes_all_back(data):
            self.undone |= {one.event_id: event.event_id for one in pile}
            self.piles[thing] = ()
        elif pile and _is_said_again(data):
            self.again[event.event_id] = pile[-1].event_id
            self.piles[thing] = pile
        else:
            self.piles[thing] = (*pile, event)

    def _undoes(self, event: DomainEvent, last: DomainEvent) -> bool:
        """Whether `event` was made to undo the `last` one of its pile, or one that said that again."""
        cause = event.causation_id
        first = None if cause is None else self.again.get(cause, cause)
        return first == last.event_id and UNDONE_BY[last.event_type] == event.event_type

    def _pile(self, thing: Thing, data: Payload) -> tuple[DomainEvent, ...]:
        """A relation that is stated again may have another id; all that was decided on it goes with it."""
        earlier = getattr(data, "earlier", None)
        if earlier is not None:
            for kind in ON_RELATIONS:
                if (kind, earlier) in self.piles:
                    self.piles[kind, thing[1]] = self.piles.pop((kind, earlier))
        return self.piles.get(thing, ())


def _thing_of(data: Payload) -> Thing | None:
    match data:
        case DocumentIngested() | DocumentUpdated() | DocumentDeleted() | DocumentRestored():
            return CONTENT
        case RelationshipUpdated(relation_id=own):
            return ("predicate", own)
        case RelationshipValidated(relation_id=own):
            return ("judgement", own)
        case ChunkUpdated(chunk=chunk) | ChunkMerged(chunk=chunk):
            return ("chunk", chunk.chunk_id)
        case ChunksRestored(removed=own):
            return ("chunk", own)
        case ReasoningChainValidated(chain=number):
            return ("chain", str(number))
        case _:
            return None


def _takes_all_back(data: Payload) -> bool:
    match data:
        case RelationshipUpdated(undone=undone):
            return undone
        case RelationshipValidated(valid=valid) | ReasoningChainValidated(valid=valid):
            return valid is None
        case ChunksRestored():
            return True
        case _:
            return False


def _is_said_again(data: Payload) -> bool:
    """As completion says what people decided of content that came later. A chunk is made once, and then made again."""
    return isinstance(data, ChunkUpdated | ChunkMerged) or getattr(data, "earlier", None) is not None


def _lies_upon(newer: DomainEvent, event: DomainEvent) -> str:
    what = f"event {newer.event_id} ({newer.event_type}) came after it"
    if newer.event_type in UNDONE_BY:
        return f"{what}; undo that first: annals undo {newer.event_id}"
    return f"{what} and cannot be undone; see: annals history {event.aggregate_id}"
