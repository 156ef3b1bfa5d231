"""Events that a stage has ahead of their delivery: done once, left where they failed, one batch at a time."""

import asyncio
from collections.abc import Sequence

import pytest

from aggregates.cause import Cause
from contracts.documents import DocumentDeleted
from contracts.envelope import DomainEvent, EventMetadata
from services.processing import handed_on
from services.processing.handed_on import HandedOn


def events(count: int) -> list[DomainEvent]:
    cause = Cause(metadata=EventMetadata(tenant="t", actor="ada"), correlation_id="c")
    return [cause.event(DocumentDeleted(reason=None), f"d{number}", 2) for number in range(count)]


class Work:
    """Remembers what it was given, and goes on when it may."""

    def __init__(self) -> None:
        self.given: list[DomainEvent] = []
        self.may_end = asyncio.Event()

    async def __call__(self, batch: Sequence[DomainEvent]) -> None:
        self.given += batch
        await self.may_end.wait()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handed_on, "WAITED_S", 0.01)


async def test_what_was_done_ahead_is_not_left_and_what_was_not_is() -> None:
    ahead, other = events(2)
    work = Work()
    work.may_end.set()
    handing = HandedOn(work)
    await handing.begin([ahead])
    assert work.given == [ahead]
    assert await handing.left([ahead, other]) == [other]


async def test_what_fails_is_left_to_its_delivery() -> None:
    async def fail(_: Sequence[DomainEvent]) -> None:
        raise ValueError("no such model")

    handing = HandedOn(fail)
    (one,) = events(1)
    await handing.begin([one])
    assert await handing.left([one]) == [one]


@pytest.mark.usefixtures("short")
async def test_a_slow_stage_is_given_no_more_and_its_events_are_waited_for() -> None:
    first, second = events(2)
    work = Work()
    handing = HandedOn(work)
    await handing.begin([first])
    await handing.begin([second])
    assert work.given == [first]
    # What it has not in hand is not kept waiting.
    assert await handing.left([second]) == [second]
    left = asyncio.create_task(handing.left([first, second]))
    await asyncio.sleep(0.02)
    assert not left.done()
    work.may_end.set()
    assert await left == [second]


async def test_who_hands_on_is_called_off_and_the_work_goes_on() -> None:
    (one,) = events(1)
    work = Work()
    handing = HandedOn(work)
    giving = asyncio.create_task(handing.begin([one]))
    await asyncio.sleep(0)
    giving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await giving
    work.may_end.set()
    assert await handing.left([one]) == []


async def test_of_those_done_the_last_ones_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known no more is done again, which changes nothing."""
    monkeypatch.setattr(handed_on, "MOST_KNOWN", 2)
    work = Work()
    work.may_end.set()
    handing = HandedOn(work)
    several = events(3)
    for one in several:
        await handing.begin([one])
    assert await handing.left(several) == several[:1]
