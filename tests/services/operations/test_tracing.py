"""What a request led to: each step with its cause and its time, and how far the read models are with it."""

import time
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.envelope import DomainEvent, EventMetadata
from contracts.topics import topics
from eventstore.causes import RequestCauses
from eventstore.follower import open_follower
from eventstore.positions import ConsumerPositions
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.operations.events import ReadEvents
from services.operations.progress import followed_partitions
from services.operations.tracing import Trace, TraceRequests, TraceStep
from services.positions import ShownPositions
from tests.projections.history import History, open_history
from tests.projections.stories import Story
from tests.services.test_visibility import only

OURS, THEIRS = (Caller(tenant, "ada", "test", FULL_ACCESS) for tenant in ("ours", "theirs"))
ADA = Story("ada", ("Ada met Bob.",), tenant="ours", collection="hr")
EVE = Story("eve", ("Eve saw Dan.",), tenant="ours")


@dataclass
class Traced:
    """A log, and what is asked of it."""

    history: History
    requests: TraceRequests

    async def of(self, name: str, *, caller: Caller = OURS, after: str | None = None, limit: int = 100) -> Trace:
        return await self.requests.trace(caller, [name], after=after, limit=limit, deadline=Deadline.after(30))

    async def happen(self, story: Story, request: str, cause: UUID | None = None) -> list[DomainEvent]:
        """A document is taken in and its first stages follow, each from the one before."""
        await self.history.texts.put_many([(story.tenant, story.document_id, story.text)])

        def why(causation: UUID | None) -> Cause:
            metadata = EventMetadata(tenant=story.tenant, actor="ada", source="test")
            return Cause(metadata, request, causation, uuid4())

        async def on(decide: object) -> DomainEvent:
            (event,) = await self.history.on_document(story.tenant, story.document_id, decide)  # type: ignore[arg-type]
            return event

        def taken(state: Document | None) -> object:
            return documents.ingest(state, story.document_id, story.content, why(cause))

        first = await on(taken)
        second = await on(lambda s: documents.chunk(s, first.event_id, story.chunked, why(first.event_id)))
        third = await on(lambda s: documents.extract_entities(s, first.event_id, story.extracted, why(second.event_id)))
        return [first, second, third]


@pytest.fixture
async def traced(dsn: str) -> AsyncIterator[Traced]:
    async with open_history(dsn) as history, open_follower(history.pool, dsn) as follower:
        events = ReadEvents(history.reader, ShownPositions(bytes(range(32))), follower)
        yield Traced(
            history,
            TraceRequests(
                events,
                history.reader,
                RequestCauses(history.pool),
                ConsumerPositions(history.pool),
                topics(),
            ),
        )


async def test_each_step_has_its_cause_and_its_time(traced: Traced) -> None:
    inbox = uuid4()
    first, second, third = await traced.happen(ADA, "r1", inbox)
    await traced.happen(EVE, "r2")
    found = await traced.of("r1")
    assert [step.event_id for step in found.steps] == [first.event_id, second.event_id, third.event_id]
    assert [step.cause for step in found.steps] == [inbox, first.event_id, second.event_id]
    assert [step.cause_type for step in found.steps] == [None, "DocumentIngested", "DocumentChunked"]
    for step, cause, event in zip(found.steps[1:], (first, second), (second, third), strict=True):
        assert cause.recorded_at is not None and event.recorded_at is not None
        assert step.after_s == (event.recorded_at - cause.recorded_at).total_seconds() > 0
    assert found.steps[0].after_s is None
    assert (found.events, found.began, found.ended) == (3, first.recorded_at, third.recorded_at)
    assert [(one.event_type, one.cause, one.events) for one in found.kinds] == [
        ("DocumentIngested", None, 1),
        ("DocumentChunked", "DocumentIngested", 1),
        ("EntitiesExtracted", "DocumentChunked", 1),
    ]
    assert found.kinds[1].median_s == found.kinds[1].longest_s == found.steps[1].after_s


async def test_an_event_or_a_document_stands_for_its_request(traced: Traced) -> None:
    events = await traced.happen(ADA, "r1")
    await traced.happen(EVE, "r2", events[-1].event_id)
    for name in ("r1", str(events[1].event_id), "ada"):
        assert (await traced.of(name)).correlation_id == "r1"
    (elsewhere, *_) = (await traced.of("eve")).steps
    assert (elsewhere.cause_of, elsewhere.cause_type) == ("r1", "EntitiesExtracted")
    with pytest.raises(NotFoundError, match="no request, event, document, entity or question 'nowhere'"):
        await traced.of("nowhere")


async def test_nobody_else_sees_it(traced: Traced) -> None:
    first, *_ = await traced.happen(ADA, "r1")
    await traced.happen(EVE, "r1", first.event_id)
    hr, void = only("hr"), only("void")
    for name in ("r1", str(first.event_id), "ada"):
        for stranger in (THEIRS, void):
            with pytest.raises(NotFoundError):
                await traced.of(name, caller=stranger)
        found = await traced.of(name, caller=hr)
        assert {step.aggregate_id for step in found.steps} == {"ada"} and found.events == 3
    sales = only("sales")
    with pytest.raises(NotFoundError):
        await traced.of("eve", caller=sales)


async def test_a_cause_that_may_not_be_seen_is_not_told(traced: Traced) -> None:
    first, *_ = await traced.happen(EVE, "r1")
    await traced.happen(ADA, "r2", first.event_id)
    (seen, *_) = (await traced.of("r2")).steps
    (hidden, *_) = (await traced.of("r2", caller=only("hr"))).steps
    assert (seen.cause_type, seen.cause_of) == ("DocumentIngested", "r1") and seen.after_s is not None
    assert (hidden.cause_type, hidden.cause_of, hidden.after_s) == (None, None, None)


async def test_how_far_the_read_models_are(traced: Traced) -> None:
    events = await traced.happen(ADA, "r1")
    last, positions = events[-1].position, ConsumerPositions(traced.history.pool)
    assert last is not None and events[-1].recorded_at is not None
    behind = {one.read_model: one for one in (await traced.of("r1")).read_models}
    assert {name: (one.events, one.done, one.by) for name, one in behind.items()} == {
        "relational": (3, False, None),
        "graph": (behind["graph"].events, False, None),
        "vector": (behind["vector"].events, False, None),
    }
    followed = followed_partitions(topics())
    await positions.advance("relational", dict.fromkeys(followed["relational"], last))
    await positions.advance("graph", dict.fromkeys(followed["graph"], last - 1))
    there = {one.read_model: one for one in (await traced.of("r1")).read_models}
    assert there["relational"].done and there["relational"].position == last
    assert there["relational"].by is not None and there["relational"].by >= events[-1].recorded_at
    assert not there["graph"].done and there["graph"].position == last - 1


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_pages_hold_every_step_once(traced: Traced, limit: int) -> None:
    events = [*await traced.happen(ADA, "r1"), *await traced.happen(EVE, "r1")]
    steps: list[TraceStep] = []
    after: str | None = None
    while True:
        page = await traced.of("r1", after=after, limit=limit)
        assert page.events == 6 and len(page.steps) <= limit
        steps += page.steps
        if page.next is None:
            break
        after = page.next
    assert [step.event_id for step in steps] == [event.event_id for event in events]
    assert [step.cause for step in steps] == [event.causation_id for event in events]


async def test_a_large_request_takes_no_more_memory(traced: Traced) -> None:
    """The rows of twenty thousand events are counted where they are, also where the planner has not heard of them."""
    await traced.happen(EVE, "r0")
    async with traced.history.pool.acquire() as connection:
        await connection.execute("ANALYZE annals.stored_events")
    events = await traced.happen(ADA, "r1")
    await traced.of("r1", limit=10)
    async with traced.history.pool.acquire() as connection:
        await connection.execute("ALTER TABLE annals.stored_events DISABLE TRIGGER USER")
        await connection.execute(
            "INSERT INTO annals.stored_events SELECT (jsonb_populate_record(e, jsonb_build_object("
            "'originator_id', gen_random_uuid(), 'event_id', gen_random_uuid(), 'notification_id', 1000 + n))).* "
            "FROM annals.stored_events AS e, generate_series(1, 20000) AS n WHERE e.event_id = $1",
            events[1].event_id,
        )
    tracemalloc.start()
    began = time.monotonic()
    try:
        found = await traced.of("r1", limit=10)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.events == 20_003 and len(found.steps) == 10 and found.next is not None
    assert found.kinds[1].events == 20_001
    assert peak < 4_000_000, f"{peak} bytes, {time.monotonic() - began:.1f} s"
