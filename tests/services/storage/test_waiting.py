"""Waiting for many documents: each look asks for some of them, and one that stands still holds up no other."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import pytest

from contracts.event_types import EventType
from eventstore.dead_letters import DeadLetters
from eventstore.keys import AggregateKey
from eventstore.last_events import LastEvent
from eventstore.reader import EventReader
from projections.store import Store
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.storage import waiting
from services.storage.waiting import AT_ONCE, WaitForDocuments

MANY = 10 * AT_ONCE
CALLER = Caller("acme", "somebody", "test", FULL_ACCESS)


class World:
    """Documents that are processed some at each look, in their order; those of `stuck` at the last, `failing` never."""

    def __init__(
        self, document_ids: Sequence[str], *, at_once: int, stuck: int = 0, failing: Sequence[str] = ()
    ) -> None:
        self._todo = [*document_ids[stuck:], *document_ids[:stuck]]
        self._at_once = at_once
        self._failing = failing
        self._processed: set[str] = set()
        self.looks: list[int] = []

    async def of_aggregates(self, tenant: str, aggregate_ids: Sequence[str]) -> dict[str, str]:
        """The letters."""
        return {one: "chunking: broken" for one in aggregate_ids if one in self._failing}

    @property
    def last(self) -> "World":
        """Of the log."""
        return self

    async def of(self, keys: Sequence[AggregateKey]) -> dict[AggregateKey, LastEvent]:
        """The log."""
        self.looks.append(len(keys))
        self._processed.update(self._todo[: self._at_once])
        del self._todo[: self._at_once]
        return {
            key: LastEvent(5, 5, EventType.DOCUMENT_PROCESSED)
            if key.aggregate_id in self._processed
            else LastEvent(1, 1, EventType.DOCUMENT_INGESTED)
            for key in keys
        }

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, int]:
        """A read model that has whatever the log has."""
        return dict.fromkeys(keys, 5)

    def waiting(self) -> WaitForDocuments:
        """Over all of it."""
        world = cast(Any, self)
        return WaitForDocuments(cast(EventReader, world), cast(DeadLetters, world), [cast(Store, world)])


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that follow one another without a pause."""
    monkeypatch.setattr(waiting, "POLL_S", 0.0)


async def test_a_look_asks_for_a_bounded_number_and_all_are_noticed() -> None:
    ids = [f"d{number}" for number in range(MANY)]
    world, told = World(ids, at_once=10), list[int]()
    awaited = await world.waiting().until_projected(CALLER, ids, told.append, deadline=Deadline.after(30))
    assert awaited.processed == MANY and not awaited.failed
    assert max(world.looks) <= 2 * AT_ONCE
    assert told == sorted(told) and told[-1] == MANY


async def test_those_in_front_that_stand_still_hold_up_no_other() -> None:
    ids = [f"d{number}" for number in range(MANY)]
    stuck = 2 * AT_ONCE
    world, told = World(ids, at_once=10, stuck=stuck), list[int]()
    await world.waiting().until_projected(CALLER, ids, told.append, deadline=Deadline.after(30))
    assert any(AT_ONCE < done <= MANY - stuck for done in told), "the others are noticed before"
    assert told[-1] == MANY


async def test_what_was_set_aside_is_awaited_no_longer() -> None:
    ids = [f"d{number}" for number in range(MANY)]
    failing = ids[::7]
    world = World(ids, at_once=50, failing=failing)
    awaited = await world.waiting().until_projected(CALLER, [*ids, ids[0]], deadline=Deadline.after(30))
    assert sorted(awaited.failed) == sorted(failing)
    assert awaited.processed == MANY - len(failing)
