"""Live projection: events in any order, any number of times, with holes; the rows are those of one clean run."""

import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from aggregates.cause import Cause
from aggregates.document import reassign
from contracts import limits
from contracts.documents import MentionsReassigned, StageResult
from contracts.envelope import DomainEvent, EventMetadata
from contracts.ids import entity_id, homonym_id
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.changes import Change, Positions
from projections.errors import StaleVersionError, UnfoldableEventError
from projections.graph.model import LAYOUT as GRAPH
from projections.graph.model import GraphModel
from projections.postgres.live import LivePostgresStore
from projections.projector import TRIES, Projector
from tests.projections.history import History
from tests.projections.models import NAMES, LiveModel, open_model
from tests.projections.stories import Story

CAUSE = Cause(EventMetadata(tenant="default", actor="ada", source="test"), correlation_id="c1")
HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo.", "Cleo sang."), title="Harbour", collection="ships")
MARKET = Story("market", ("Dora met Ada.",), title="Market")
CHANGED = Story("market", ("Dora left Ada.", "Edgar sleeps."), title="Market")


async def busy_day(history: History) -> list[DomainEvent]:
    """Documents that change, go and come back; corrections; decisions on entities; a question."""
    await history.tell(HARBOUR, MARKET)
    await history.merge_chunks(HARBOUR, 0, 1)
    met = HARBOUR.related.relations[0].relation_id
    await history.judge_relation(HARBOUR, met, valid=False)
    await history.amend_relation(HARBOUR, met, "married")
    await history.rename("Ada", "Ada Lovelace")
    await history.judge("Bob", valid=True)
    await history.merge("Cleo", into="Dora")
    await history.ask("q1")
    await history.delete(MARKET)
    await history.tell(CHANGED)
    return await history.all()


@pytest.fixture(params=NAMES)
async def live(request: pytest.FixtureRequest, history: History) -> LiveModel:
    """Each read model in turn."""
    return await open_model(request.param, history)


def own(live: LiveModel, events: Sequence[DomainEvent]) -> list[DomainEvent]:
    """Those that the read model follows."""
    return [event for event in events if event.event_type in live.model.event_types]


def deliveries(events: list[DomainEvent], chance: random.Random) -> Iterator[list[DomainEvent]]:
    """The events shuffled, some doubled, in batches of one to seven."""
    left = events + chance.sample(events, len(events) // 2)
    chance.shuffle(left)
    while left:
        size = chance.randint(1, 7)
        yield left[:size]
        left = left[size:]


@pytest.mark.parametrize(("seed", "part_bytes"), [(1, limits.PART_BYTES), (2, limits.PART_BYTES), (3, 1)])
async def test_any_order_leads_to_the_same_rows(
    live: LiveModel, history: History, seed: int, part_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PART_BYTES", part_bytes)
    events = own(live, await busy_day(history))
    for batch in deliveries(events, random.Random(seed)):
        await live.projector.apply(batch, {})
    shuffled = await live.digests()

    other = live.store.generation("other")
    await other.begin()
    await other.finish({})
    projector = Projector(live.model, other.store, history.reader)
    for event in events:
        await projector.apply([event], {})
    async with other.store.snapshot() as snapshot:
        assert await snapshot.digests() == shuffled
    await other.discard()


async def test_what_is_known_changes_nothing_but_positions(live: LiveModel, history: History) -> None:
    events = own(live, await busy_day(history))
    await live.projector.apply(events, {})
    before, name = await live.digests(), await live.store.content_tag("default")

    await live.projector.apply([*reversed(events), *events], {("documents", 0): 3})
    assert await live.digests() == before
    assert await live.store.content_tag("default") == name
    assert await live.store.positions() == {("documents", 0): 3}


async def test_a_hole_is_fetched_from_the_event_store(live: LiveModel, history: History) -> None:
    """Only the last event of each aggregate arrives; even what came after it in the log is then there."""
    events = own(live, await busy_day(history))
    last = {(event.kind, event.aggregate_id): event for event in events}
    await live.projector.apply(list(last.values()), {})
    sparse = await live.digests()
    await live.projector.apply(events, {})
    assert await live.digests() == sparse
    assert (await live.verify()).difference is None


async def test_what_was_decided_and_taken_back_leaves_nothing(live: LiveModel, history: History) -> None:
    """Merged, renamed, judged, assigned by rules, told apart; each undone: as it was, and as the log says."""
    await history.tell(HARBOUR, MARKET)
    await live.everything()
    before = await live.digests()
    await history.merge("Cleo", into="Dora")
    await live.everything()
    await history.merge("Ada", into="Cleo")
    await history.rename("Bob", "Robert")
    await history.judge("Edgar", valid=False)
    await live.everything()
    for name in ("Ada", "Cleo", "Bob", "Edgar"):
        await history.undo(name)
        await live.everything()
    await history.assign("Ada", into="Dora")
    await live.everything()
    await history.release("Ada")
    apart = homonym_id(entity_id("default", "Ada"), "market")
    await history.reassign(MARKET, "Ada", apart)
    await live.everything()
    if live.model.name != "vector":
        assert {**await live.digests(), "versions": ""} != {**before, "versions": ""}
    back = MentionsReassigned(entity_id=apart, into=entity_id("default", "Ada"))
    await history.on_document("default", "market", lambda state: reassign(state, back, CAUSE))
    await live.everything()
    assert {**await live.digests(), "versions": ""} == {**before, "versions": ""}
    assert (await live.verify()).difference is None


class Counting(EventReader):
    """Counts the events that are fetched by aggregate."""

    fetched = 0

    async def in_batches(
        self, since: Mapping[AggregateKey, int]
    ) -> AsyncIterator[dict[AggregateKey, list[DomainEvent]]]:
        """As ever."""
        async for batch in super().in_batches(since):
            self.fetched += sum(map(len, batch.values()))
            yield batch


async def test_parts_change_nothing_before_the_last_one_which_is_folded_from_all_of_them(
    live: LiveModel, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PART_BYTES", 1)
    events = own(live, await history.tell(HARBOUR))
    results = [event.event_data for event in events if isinstance(event.event_data, StageResult)]
    assert len([data for data in results if not data.is_last]) > 6
    reader = Counting(history.pool)
    projector = Projector(live.model, live.store, reader)
    for event in events:
        before, state = await live.digests(), await live.store.content_tag("default")
        await projector.apply([event], {})
        if isinstance(event.event_data, StageResult) and not event.event_data.is_last:
            assert {**await live.digests(), "versions": ""} == {**before, "versions": ""}
            assert await live.store.content_tag("default") == state
    # No event is fetched more than once, however many parts there are.
    assert 0 < reader.fetched <= len(events)
    one_by_one = await live.digests()
    await live.store.write([], await live.log_positions())
    assert (await live.verify()).difference is None

    await live.replay()
    assert await live.digests() == one_by_one


async def test_large_aggregates_are_fetched_and_written_in_several_batches(
    live: LiveModel, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the last event of each document arrives, so that every one has to be fetched."""
    stories = [replace(MARKET, document_id=f"market-{number}") for number in range(8)]
    last = [(await history.tell(story))[-1] for story in stories]
    written: list[tuple[int, Positions]] = []
    write = live.store.write

    async def counted(changes: Sequence[Change], positions: Positions) -> None:
        written.append((len(changes), positions))
        await write(changes, positions)

    monkeypatch.setattr(live.store, "write", counted)
    monkeypatch.setattr(limits, "BATCH_BYTES", 1)
    await live.projector.apply(last, {("documents", 0): 9})
    assert written == [(1, {})] * 7 + [(1, {("documents", 0): 9})]
    monkeypatch.undo()
    await live.everything()
    assert (await live.verify()).difference is None


async def test_an_event_that_no_store_has_is_refused(live: LiveModel, history: History) -> None:
    (first, second) = await history.ingest(MARKET) + await history.ingest(CHANGED)
    beyond = second.model_copy(update={"aggregate_version": 4})
    with pytest.raises(UnfoldableEventError, match="document market: version 4 is not in the event store"):
        await live.projector.apply([first, beyond], {("documents", 0): 9})
    assert await live.store.versions([AggregateKey("default", "document", "market")]) == {}
    assert await live.store.positions() == {}


class Contested(LivePostgresStore):
    """Before each of the first writes another projector is faster, by one event."""

    def __init__(self, history: History, events: list[DomainEvent]) -> None:
        super().__init__(history.pool, GRAPH)
        self._rival = Projector(GraphModel(), LivePostgresStore(history.pool, GRAPH), history.reader)
        self._events = events
        self.refused = 0

    async def write(self, changes: Sequence[Change], positions: Positions) -> None:
        """Count what is refused."""
        if self._events:
            await self._rival.apply([self._events.pop(0)], {})
        try:
            await super().write(changes, positions)
        except StaleVersionError:
            self.refused += 1
            raise


async def test_who_has_a_stale_version_folds_again(history: History) -> None:
    live = await open_model("graph", history)
    events = await history.tell(HARBOUR)
    store = Contested(history, events[:2])
    await Projector(live.model, store, history.reader).apply(events, {("documents", 0): 5})

    assert store.refused == 2
    assert await live.store.positions() == {("documents", 0): 5}
    assert await live.store.versions([AggregateKey("default", "document", "harbour")]) == {
        AggregateKey("default", "document", "harbour"): 5
    }
    await live.everything()
    assert (await live.verify()).difference is None


async def test_who_has_a_stale_version_for_ever_says_so(history: History) -> None:
    await open_model("graph", history)
    # One event more than there are tries, and one that the rival never brings.
    events = await history.tell(HARBOUR) + await history.delete(HARBOUR)
    store = Contested(history, events[:TRIES])
    with pytest.raises(StaleVersionError):
        await Projector(GraphModel(), store, history.reader).apply(events, {})
    assert store.refused == TRIES


async def test_which_model_serves_is_asked_again_only_where_another_took_over(history: History) -> None:
    live = await open_model("relational", history)
    registry = live.generations.registry
    await live.generations.register_live()
    await registry.serve(live.model.name, "first")
    asked = []

    async def revision() -> str | None:
        found = await registry.live(live.model.name)
        assert found is not None
        asked.append(found.model_revision)
        return found.model_revision

    projector = Projector(live.model, live.store, history.reader, revision)
    for event in await history.tell(HARBOUR):
        await projector.apply([event], {})
    assert asked == ["first"]
    await registry.serve(live.model.name, "second", anew=True)
    await projector.apply(await history.tell(MARKET), {})
    assert asked == ["first", "second"]


async def test_what_a_former_reading_says_nothing_of_is_stale_too(history: History) -> None:
    """The reading that took its place may say something."""
    live = await open_model("relational", history)
    await live.generations.register_live()
    await live.generations.registry.serve(live.model.name, "second")
    key = AggregateKey("default", "document", "market")
    with pytest.raises(StaleVersionError, match="another reading"):
        await live.store.write([Change(key, 0, 1, {}, "first")], {})
    assert await live.store.versions([key]) == {}
    await live.store.write([Change(key, 0, 1, {}, "second")], {})


async def test_what_cannot_be_folded_of_a_former_model_is_folded_of_the_present_one(history: History) -> None:
    live = await open_model("vector", history)
    (ingested, *rest) = await history.tell(HARBOUR)
    serving = ["gone"]

    async def revision() -> str | None:
        return serving[0]

    projector = Projector(live.model, live.store, history.reader, revision)
    with pytest.raises(UnfoldableEventError, match="by gone is not kept any more"):
        await projector.apply([ingested, *rest], {})
    await projector.apply([ingested], {})
    serving[0] = HARBOUR.embedder
    await projector.apply(rest, {})
    assert (await live.verify()).difference is None


async def test_decisions_on_an_entity_are_folded_from_the_first_one(history: History) -> None:
    live = await open_model("relational", history)
    renamed = await history.rename("Ada", "Ada Lovelace")
    judged = await history.judge("Ada", valid=True)
    merged = await history.merge("Ada", into="Bob")
    await live.projector.apply(merged, {})
    await live.projector.apply(judged + renamed, {})
    row = await history.pool.fetchrow("SELECT name, type, merged_into, valid FROM relational.entities")
    assert row is not None
    assert tuple(row) == ("Ada Lovelace", "LEGEND", merged[0].event_data.model_dump()["into"], True)


async def test_a_vector_that_is_no_longer_kept_is_named(history: History) -> None:
    live = await open_model("vector", history)
    events = await history.tell(MARKET)
    assert await history.outputs.clear(MARKET.embedder) == 1
    chunk_id = MARKET.chunks[0].chunk_id
    with pytest.raises(UnfoldableEventError, match=f"document market: the vector of chunk {chunk_id} by random-8@1"):
        await live.projector.apply(events, {("documents", 0): 5})
    assert await live.store.positions() == {}

    # Once it is deleted nothing of it is asked for.
    await live.projector.apply(events + await history.delete(MARKET), {("documents", 0): 6})
    assert await live.store.positions() == {("documents", 0): 6}


async def test_a_text_that_is_no_longer_kept_is_named(history: History) -> None:
    live = await open_model("vector", history)
    events = await history.tell(HARBOUR)
    await history.pool.execute("DELETE FROM annals.texts")
    digest = HARBOUR.content.text.digest
    with pytest.raises(UnfoldableEventError, match=f"the text {digest} of document harbour is not in the text store"):
        await live.projector.apply(events, {})
