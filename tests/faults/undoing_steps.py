"""Any event undone, by its id; or refused, where it cannot be."""

import asyncio
import random
from collections.abc import Callable
from functools import partial
from uuid import UUID

from hypothesis.stateful import precondition, rule

from contracts.envelope import DomainEvent
from contracts.undoing import UNDONE_BY
from tests.faults.driving import Driver, Steps, seeds, tenants
from tests.faults.relation_steps import triple_decided
from tests.faults.world import World, caller

ANY = 5
"""One in so many is any event; the others are of types that can be undone."""
LAST = 12
"""Events, of which most are chosen: what lies below others is refused."""
DECISIONS = {"EntityUpdated": "rename", "EntityValidated": "judge", "EntityMerged": "merge", "EntitySplit": "split"}
Undo = Callable[[], None]


class UndoingSteps(Driver):
    """What was decided, changed or deleted, if nothing newer lies upon it."""

    def __init__(self, runner: asyncio.Runner, world: World, steps: Steps) -> None:
        super().__init__(runner, world, steps)
        self.again: dict[UUID, UUID | None] = {}
        """By the id of an event that says of new content what was said of a relation before: the event of that."""
        self.seen = 0

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, seed=seeds)
    def undo_event(self, tenant: str, one: int, seed: int) -> None:
        """An event of the log."""
        chance = random.Random(one)
        own = [event for event in self.world.log if event.tenant == tenant]
        if chance.randrange(ANY):
            own = [event for event in own if event.event_type in UNDONE_BY][-LAST:]
        if own:
            event = chance.choice(own)
            undo = self._how(tenant, event)
            undoing = self.world.undoing.undo(
                caller(tenant), event.event_id, reason="a mistake", deadline=self._deadline()
            )
            done = self._try(undoing)
            assert (done is not None) == (undo is not None), f"{event.event_type} {event.aggregate_id}: {done}"
            if undo is not None:
                undo()
        self._end_step("undo an event", True, seed)

    async def _compare_all(self, chance: random.Random) -> None:
        await super()._compare_all(chance)
        self._note_what_was_said_again()

    def _note_what_was_said_again(self) -> None:
        for event in self.world.log[self.seen :]:
            triple = triple_decided(event)
            if triple is not None and getattr(event.event_data, "earlier", None) is not None:
                said = self.plain[event.tenant].said.get((event.aggregate_id, triple))
                made = [] if said is None else said.events(event.event_type)
                self.again[event.event_id] = made[-1] if made else None
        self.seen = len(self.world.log)

    def _how(self, tenant: str, event: DomainEvent) -> Undo | None:
        """What undoing it does to the plain model; None where it has to be refused."""
        plain, own = self.plain[tenant], event.aggregate_id
        match event.event_type:
            case "DocumentUpdated" | "DocumentDeleted":
                left = plain.contents.get(own)
                return partial(plain.restore, own) if left and left[-1].event == event.event_id else None
            case "ChunkUpdated" | "ChunkMerged":
                cut = plain.cuts.get(own)
                chunk = None if cut is None or own not in plain.told else cut.made_by(event.event_id)
                possible = cut is not None and chunk is not None and cut.can_undo(chunk)
                return partial(cut.undo, chunk) if cut is not None and chunk is not None and possible else None
            case "RelationshipUpdated" | "RelationshipValidated" as what:
                triple = triple_decided(event)
                said = None if triple is None or own not in plain.told else plain.said.get((own, triple))
                made = [] if said is None else said.events(what)
                if said is None or not made or made[-1] != self.again.get(event.event_id, event.event_id):
                    return None
                return partial(said.take_back, what)
            case "EntityAssigned":
                return _nothing if self.world.assigned(tenant).get(own) == event.event_id else None
            case _ if event.event_type in DECISIONS:
                return self._how_decision(tenant, event)
        return None

    def _how_decision(self, tenant: str, event: DomainEvent) -> Undo | None:
        plain, own = self.plain[tenant], event.aggregate_id
        made = plain.decided.get(own, [])
        number = next((at for at, one in enumerate(made) if one.event == event.event_id), None)
        if number is None or own not in plain.entities():
            return None
        if made[number].what == "split":
            return None if plain.is_grown(made[number].to) else partial(plain.undo, own, number)
        if any(one.what == made[number].what for one in made[number + 1 :]):
            return None
        return partial(plain.undo, own, number)


def _nothing() -> None:
    """What rules said is the log's word."""
