"""A tenant's events under a durable name: at least once, in order, and none is passed over."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace

import pytest

from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from eventstore.errors import StoreUnavailableError
from eventstore.follower import LogFollower, open_follower
from eventstore.subscription_positions import Held, SubscriptionPositions
from security.access import FULL_ACCESS, NO_ATTRIBUTES, AccessDecision, FullAccess
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from services.operations import subscriptions as module
from services.operations.events import ReadEvents
from services.operations.subscriptions import (
    Handle,
    SubscriptionFailedError,
    SubscriptionHandle,
    Subscriptions,
    SubscriptionTakenError,
)
from services.positions import ShownPositions
from tests.projections.history import History
from tests.projections.stories import Story

OURS, THEIRS = (Caller(tenant, "ada", "test", FULL_ACCESS) for tenant in ("ours", "theirs"))
ADA = Story("ada", ("Ada met Bob.",), tenant="ours")
EVE = Story("eve", ("Eve saw Dan.",), tenant="ours")
THEIR_ADA = Story("ada", ("Ada left.",), tenant="theirs")

SHOWN = ShownPositions(bytes(range(32)))


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.01)


@pytest.fixture
async def follower(history: History, dsn: str) -> AsyncIterator[LogFollower]:
    async with open_follower(history.pool, dsn) as found:
        yield found


@pytest.fixture
def subscriptions(history: History, follower: LogFollower) -> Subscriptions:
    return Subscriptions(ReadEvents(history.reader, SHOWN, follower), SubscriptionPositions(history.pool))


class Seen:
    """A handler that remembers; it fails as often as `failures` has entries."""

    def __init__(self, *failures: Exception) -> None:
        self.events: list[DomainEvent] = []
        self.failures = list(failures)

    async def __call__(self, event: DomainEvent) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.events.append(event)


async def until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


async def begin(
    subscriptions: Subscriptions,
    handler: Handle,
    *,
    caller: Caller = OURS,
    name: str = "mail",
    types: list[EventType] | None = None,
    after: int | None = 0,
) -> SubscriptionHandle:
    return await subscriptions.subscribe(caller, name, types, handler, after=after, deadline=Deadline.after(20))


async def test_events_of_the_tenant_come_in_order_as_they_are_appended(
    subscriptions: Subscriptions, history: History
) -> None:
    told = await history.tell(ADA)
    await history.tell(THEIR_ADA)
    seen = Seen()
    async with await begin(subscriptions, seen) as handle:
        await until(lambda: len(seen.events) == len(told))
        told += await history.tell(EVE)
        await until(lambda: len(seen.events) == len(told))
        assert handle.running
    assert seen.events == told and handle.position >= (told[-1].position or 0) and not handle.running


async def test_only_the_types_that_were_asked_for(subscriptions: Subscriptions, history: History) -> None:
    told = await history.tell(ADA)
    chunked = [event for event in told if event.event_type is EventType.DOCUMENT_CHUNKED]
    seen = Seen()
    async with await begin(subscriptions, seen, types=[EventType.DOCUMENT_CHUNKED]):
        await until(lambda: seen.events == chunked)


async def test_from_now_on_and_then_from_where_it_was(subscriptions: Subscriptions, history: History) -> None:
    await history.tell(ADA)
    seen = Seen()
    async with await begin(subscriptions, seen, after=None):
        told = await history.tell(EVE)
        await until(lambda: len(seen.events) == len(told))
    meanwhile = await history.tell(Story("b", ("Bob.",), tenant="ours"))
    again = Seen()
    # The name has a position by now, whatever is asked.
    async with await begin(subscriptions, again, after=0):
        await until(lambda: len(again.events) == len(meanwhile))
    assert seen.events == told and again.events == meanwhile


async def test_one_name_in_two_tenants_is_two_subscriptions(subscriptions: Subscriptions, history: History) -> None:
    ours, theirs = Seen(), Seen()
    told, told_there = await history.tell(ADA), await history.tell(THEIR_ADA)
    async with await begin(subscriptions, ours), await begin(subscriptions, theirs, caller=THEIRS):
        await until(lambda: len(ours.events) == len(told) and len(theirs.events) == len(told_there))
    assert ours.events == told and theirs.events == told_there


async def test_a_failing_handler_is_tried_again_and_nothing_is_passed_over(
    subscriptions: Subscriptions, history: History
) -> None:
    told = await history.tell(ADA)
    seen = Seen(*[ValueError("not now")] * (module.TRIES - 1))
    async with await begin(subscriptions, seen):
        await until(lambda: seen.events == told)


async def test_one_that_keeps_failing_ends_it_with_the_cause_and_the_event_comes_again(
    subscriptions: Subscriptions, history: History
) -> None:
    told = await history.tell(ADA)

    async def fail(event: DomainEvent) -> None:
        if event == told[1]:
            raise ValueError("the mailbox is full")

    handle = await begin(subscriptions, fail)
    with pytest.raises(SubscriptionFailedError, match=f"position {told[1].position} failed .*the mailbox is full"):
        await asyncio.wait_for(handle.wait(), 20)
    assert not handle.running
    seen = Seen()
    async with await begin(subscriptions, seen):
        await until(lambda: seen.events == told[1:])


async def test_a_handler_that_hangs_fails_after_its_limit(subscriptions: Subscriptions, history: History) -> None:
    await history.tell(ADA)

    async def hang(event: DomainEvent) -> None:
        await asyncio.Event().wait()

    handle = await subscriptions.subscribe(
        OURS, "mail", None, hang, after=0, handler_limit_s=0.02, deadline=Deadline.after(20)
    )
    with pytest.raises(SubscriptionFailedError, match="TimeoutError"):
        await asyncio.wait_for(handle.wait(), 20)


async def test_stopping_lets_the_event_in_hand_be_handled(subscriptions: Subscriptions, history: History) -> None:
    told = await history.tell(ADA)
    begun, may_go = asyncio.Event(), asyncio.Event()
    seen = Seen()

    async def slow(event: DomainEvent) -> None:
        begun.set()
        await may_go.wait()
        await seen(event)

    handle = await begin(subscriptions, slow)
    await begun.wait()
    stopping = asyncio.create_task(handle.stop())
    await asyncio.sleep(0)
    may_go.set()
    await asyncio.wait_for(stopping, 20)
    assert seen.events == told[:1]
    async with await begin(subscriptions, seen):
        await until(lambda: seen.events == told)


async def test_one_that_does_not_end_in_time_is_called_off_and_comes_again(
    subscriptions: Subscriptions, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_LIMIT_S", 0.02)
    told = await history.tell(ADA)
    begun = asyncio.Event()

    async def hang(event: DomainEvent) -> None:
        begun.set()
        await asyncio.Event().wait()

    handle = await begin(subscriptions, hang)
    await begun.wait()
    await asyncio.wait_for(handle.stop(), 20)
    seen = Seen()
    async with await begin(subscriptions, seen):
        await until(lambda: seen.events == told)


async def test_whoever_begins_it_last_has_it(subscriptions: Subscriptions, history: History) -> None:
    first, second = Seen(), Seen()
    earlier = await begin(subscriptions, first)
    async with await begin(subscriptions, second):
        told = await history.tell(ADA)
        with pytest.raises(SubscriptionTakenError, match="mail"):
            await asyncio.wait_for(earlier.wait(), 20)
        await until(lambda: second.events == told)


async def test_one_that_is_forgotten_begins_anew(subscriptions: Subscriptions, history: History) -> None:
    told = await history.tell(ADA)
    for _ in range(2):
        seen = Seen()
        async with await begin(subscriptions, seen):
            await until(lambda seen=seen: seen.events == told)  # type: ignore[misc]
        with pytest.raises(NotFoundError):
            await subscriptions.forget(THEIRS, "mail", deadline=Deadline.after(20))
        await subscriptions.forget(OURS, "mail", deadline=Deadline.after(20))


class AwayTwice(SubscriptionPositions):
    """Its database is away at first."""

    away = 2

    async def advance(self, tenant: str, name: str, held: Held) -> bool:
        if self.away:
            self.away -= 1
            raise StoreUnavailableError("away")
        return await super().advance(tenant, name, held)


async def test_a_store_that_comes_back_is_waited_for(history: History, follower: LogFollower) -> None:
    positions = AwayTwice(history.pool)
    subscriptions = Subscriptions(ReadEvents(history.reader, SHOWN, follower), positions)
    told = await history.tell(ADA)
    seen = Seen()
    async with await begin(subscriptions, seen):
        await until(lambda: len(seen.events) == len(told))
        told += await history.tell(EVE)
        told += await history.tell(Story("b", ("Bob.",), tenant="ours"))
        await until(lambda: len(seen.events) == len(told) and positions.away == 0)
    assert seen.events == told


class Revocable(FullAccess):
    """All is allowed until it is not."""

    revoked = False

    def decide(self, resource: str, action: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> AccessDecision:
        return AccessDecision(not self.revoked, reason="revoked")


async def test_who_may_not_read_events_has_none_and_has_no_more_once_that_is_revoked(
    subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW_S", 0.1)
    access = Revocable()
    caller = replace(OURS, access=access)
    handle = await begin(subscriptions, Seen(), caller=caller)
    access.revoked = True
    with pytest.raises(AccessDeniedError):
        await asyncio.wait_for(handle.wait(), 20)
    with pytest.raises(AccessDeniedError):
        await begin(subscriptions, Seen(), caller=caller)
    with pytest.raises(AccessDeniedError):
        await subscriptions.forget(caller, "mail", deadline=Deadline.after(20))


@pytest.mark.parametrize(("name", "after"), [("", 0), (" ", 0), ("x" * 201, 0), ("a\x00b", 0), ("mail", -1)])
async def test_names_and_positions_that_are_none(subscriptions: Subscriptions, name: str, after: int) -> None:
    with pytest.raises(InvalidRequestError):
        await begin(subscriptions, Seen(), name=name, after=after)
