"""A tenant's events: one, by aggregate, by request, in pages, and as they come; nobody else's."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from eventstore.follower import open_follower
from security.access import FULL_ACCESS, FullAccess
from security.reach import Reach, Rule
from services.caller import Caller
from services.cursors import WrongCursorError
from services.deadline import Deadline, DeadlineExceededError
from services.errors import AccessDeniedError, NotFoundError
from services.operations import events as module
from services.operations.events import EventPage, ReadEvents
from services.positions import ShownPositions
from services.security.accounts import AccountService
from tests.projections.history import History
from tests.projections.stories import Story
from tests.services.security.conftest import opened

OURS, THEIRS = (Caller(tenant, "ada", "test", FULL_ACCESS) for tenant in ("ours", "theirs"))
ADA = Story("ada", ("Ada met Bob.",), tenant="ours")
EVE = Story("eve", ("Eve saw Dan.",), tenant="ours")
THEIR_ADA = Story("ada", ("Ada left.",), tenant="theirs")

SHOWN = ShownPositions(bytes(range(32)))


def soon() -> Deadline:
    """For what does not take long."""
    return Deadline.after(20)


@pytest.fixture
async def events(history: History, dsn: str) -> AsyncIterator[ReadEvents]:
    async with open_follower(history.pool, dsn) as follower:
        yield ReadEvents(history.reader, SHOWN, follower)


@pytest.fixture
async def accounts(history: History, dsn: str, tmp_path: Path) -> AsyncIterator[AccountService]:
    async with opened(tmp_path, dsn) as identities:
        yield identities.accounts


async def all_of(page: Callable[[str | None], Awaitable[EventPage]]) -> list[DomainEvent]:
    """What the pages hold, one behind the other; none of them is empty."""
    found: list[DomainEvent] = []
    after: str | None = None
    while True:
        one = await page(after)
        assert one.events
        found += one.events
        if one.next is None:
            return found
        after = one.next


async def test_one_event_by_its_id(events: ReadEvents, history: History) -> None:
    told = await history.tell(ADA)
    assert await events.get(OURS, told[2].event_id, deadline=soon()) == told[2]
    for caller, event_id in ((THEIRS, told[2].event_id), (OURS, uuid4())):
        with pytest.raises(NotFoundError, match=str(event_id)):
            await events.get(caller, event_id, deadline=soon())


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_pages_hold_everything_once_and_in_order(events: ReadEvents, history: History, limit: int) -> None:
    """Of the caller alone, whatever is between."""
    ours = [*await history.ingest(ADA)]
    theirs = await history.tell(THEIR_ADA)
    ours += await history.tell(EVE)
    ours += await history.chunk(ADA)

    async def everything(after: str | None) -> EventPage:
        return await events.after(OURS, after=after, limit=limit, deadline=soon())

    async def of_ada(after: str | None) -> EventPage:
        return await events.of_aggregate(OURS, "document", "ada", after=after, limit=limit, deadline=soon())

    async def of_chunks(after: str | None) -> EventPage:
        wanted = [EventType.DOCUMENT_CHUNKED]
        return await events.after(OURS, after=after, limit=limit, types=wanted, deadline=soon())

    assert await all_of(everything) == ours
    assert await all_of(of_ada) == [one for one in ours if one.aggregate_id == "ada"]
    assert await all_of(of_chunks) == [one for one in ours if one.event_type is EventType.DOCUMENT_CHUNKED]
    assert list((await events.after(THEIRS, after=None, limit=100, deadline=soon())).events) == theirs


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_what_was_corrected_of_one_relation_or_chunk(events: ReadEvents, history: History, limit: int) -> None:
    story = Story("ada", ("Ada met Bob.", "Bob met Ada."), tenant="ours")
    await history.tell(story, EVE)
    met, other = (one.relation_id for one in story.related.relations)
    first = await history.judge_relation(story, met, valid=False)
    await history.judge_relation(story, other, valid=False)
    second = await history.undo_relation(story, met)
    merged = await history.merge_chunks(story, 0, 1)
    chunk, _ = story.joined(0, 1)
    restored = await history.restore_chunks(story, 0, 1)

    async def of(part_id: str) -> list[DomainEvent]:
        async def page(after: str | None) -> EventPage:
            return await events.of_part(OURS, part_id, after=after, limit=limit, deadline=soon())

        return await all_of(page)

    assert await of(met) == [*first, *second]
    assert await of(chunk.chunk_id) == await of(story.chunks[0].chunk_id) == [*merged, *restored]
    for caller, part_id in ((THEIRS, met), (OURS, "nobody's"), (OURS, EVE.related.relations[0].relation_id)):
        with pytest.raises(NotFoundError, match="nobody corrected a relation or chunk"):
            await events.of_part(caller, part_id, after=None, limit=limit, deadline=soon())


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_what_one_request_led_to(events: ReadEvents, history: History, limit: int) -> None:
    told = await history.tell(ADA)
    await history.tell(THEIR_ADA)
    correlation = told[0].correlation_id

    async def page(after: str | None) -> EventPage:
        return await events.of_request(OURS, correlation, after=after, limit=limit, deadline=soon())

    ours = (await events.after(OURS, after=None, limit=100, deadline=soon())).events
    assert await all_of(page) == [one for one in ours if one.correlation_id == correlation]
    assert await events.of_request(OURS, "nobody's", after=None, limit=1, deadline=soon()) == EventPage((), None)


async def test_pages_are_bounded_in_bytes(
    events: ReadEvents, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await history.tell(ADA)
    monkeypatch.setattr("contracts.limits.BATCH_BYTES", 1)

    async def page(after: str | None) -> EventPage:
        found = await events.after(OURS, after=after, limit=100, deadline=soon())
        assert len(found.events) == 1
        return found

    assert await all_of(page) == told


async def test_a_log_of_others_is_looked_through_window_by_window(
    events: ReadEvents, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WINDOW", 2)
    ours = await history.ingest(ADA)
    await history.tell(THEIR_ADA)
    ours += await history.chunk(ADA)
    await history.tell(Story("b", ("Bob.",), tenant="theirs"))
    page = await events.after(OURS, after=None, limit=100, deadline=soon())
    assert page.next is not None, "a page ends with the window that has events"
    rest = await events.after(OURS, after=page.next, limit=100, deadline=soon())
    assert [*page.events, *rest.events] == ours and rest.next is None


async def test_an_aggregate_that_is_not_there(events: ReadEvents, history: History) -> None:
    await history.tell(ADA)
    with pytest.raises(NotFoundError, match="'ada'"):
        await events.of_aggregate(THEIRS, "document", "ada", after=None, limit=1, deadline=soon())


@pytest.mark.parametrize("cursor", ["x", "", "WyJldmVudHMiLCItMSJd", "WyJldmVudHMiLCI5OTk5OTk5OTk5OTk5OTk5OTk5OSJd"])
async def test_a_cursor_that_is_none(events: ReadEvents, cursor: str) -> None:
    """The last two say -1, and more than a position may be."""
    with pytest.raises(WrongCursorError):
        await events.after(OURS, after=cursor, limit=1, deadline=soon())


async def test_a_cursor_of_another_list(events: ReadEvents, history: History) -> None:
    await history.tell(ADA, EVE)
    page = await events.of_aggregate(OURS, "document", "ada", after=None, limit=1, deadline=soon())
    with pytest.raises(WrongCursorError):
        await events.of_aggregate(OURS, "document", "eve", after=page.next, limit=1, deadline=soon())


async def test_a_tail_gives_what_comes_and_goes_on_where_it_was_cut_off(events: ReadEvents, history: History) -> None:
    before = await history.ingest(ADA)
    found: list[DomainEvent] = []
    position = 0
    told = before[:]
    for step in (history.chunk, history.extract, history.relate):
        told += await step(ADA)
        await history.tell(Story(step.__name__, ("Eve.",), tenant="theirs"))
        async with asyncio.timeout(20):
            async for batch in events.tail(OURS, after=position, deadline=soon()):
                found += batch.events
                position = batch.position
                if len(found) == len(told):
                    break
    assert found == told

    async def later() -> None:
        told.extend(await history.complete(ADA))

    appending = asyncio.create_task(later())
    async with asyncio.timeout(20):
        async for batch in events.tail(OURS, after=position, deadline=soon()):
            found += batch.events
            if batch.events:
                break
    await appending
    assert found == told


async def test_a_tail_says_how_far_it_has_looked_where_nothing_happens(
    events: ReadEvents, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUIET_S", 0.02)
    await history.tell(THEIR_ADA)
    head = await history.reader.head()
    async with asyncio.timeout(20):
        async for batch in events.tail(OURS, after=0, deadline=soon()):
            assert (batch.events, batch.position) == ((), head)
            break


async def test_a_tail_ends_at_its_deadline(events: ReadEvents, history: History) -> None:
    told = await history.tell(ADA)
    async with asyncio.timeout(20):
        batches = [batch async for batch in events.tail(OURS, after=0, deadline=Deadline.after(2))]
    assert [one for batch in batches for one in batch.events] == told


async def test_a_page_ends_at_its_deadline(events: ReadEvents) -> None:
    with pytest.raises(DeadlineExceededError):
        await events.after(OURS, after=None, limit=1, deadline=Deadline.after(0))


class Partial(FullAccess):
    """Some documents, and no policies."""

    def __init__(self, *denied: str, reach: Reach | None = None) -> None:
        self._denied = denied
        self._reach = reach

    def decide(self, resource, action, attributes=None):  # type: ignore[no-untyped-def]
        """Everything but what is denied."""
        allowed = super().decide(resource, action)
        return allowed if resource not in self._denied else type(allowed)(False, reason="not his")

    def reach(self, resource: str, action: str) -> Reach:
        """These documents."""
        return self._reach if self._reach is not None else super().reach(resource, action)


async def test_events_are_for_those_alone_who_may_read_them(events: ReadEvents, history: History) -> None:
    await history.tell(ADA)
    caller = Caller("ours", "eve", "test", Partial("events"))
    with pytest.raises(AccessDeniedError, match="eve may not"):
        await events.after(caller, after=None, limit=1, deadline=soon())
    with pytest.raises(AccessDeniedError, match="eve may not"):
        async for _ in events.tail(caller, after=0, deadline=soon()):
            pass
    within = Caller("ours", "eve", "test", Partial(reach=Reach((Rule(frozenset({"letters"}), frozenset()),))))
    assert (await events.after(within, after=None, limit=1, deadline=soon())).events == ()


async def test_events_of_accounts_are_for_those_who_may_read_policies(
    events: ReadEvents, history: History, accounts: AccountService
) -> None:
    await accounts.create(OURS, "bob", "user", ["reader"], deadline=soon())
    (created,) = (await events.after(OURS, after=None, limit=9, deadline=soon())).events
    assert created.event_type is EventType.ACCOUNT_CREATED
    without = Caller("ours", "eve", "test", Partial("policies"))
    assert (await events.after(without, after=None, limit=9, deadline=soon())).events == ()
    with pytest.raises(NotFoundError):
        await events.get(without, created.event_id, deadline=soon())
    with pytest.raises(NotFoundError):
        await events.of_aggregate(without, "account", created.aggregate_id, after=None, limit=1, deadline=soon())
    assert await events.count_by_type(without, deadline=soon()) == {}
