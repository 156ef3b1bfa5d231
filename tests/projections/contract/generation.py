"""What a generation keeps: built beside the live one, switched to in one step, dropped without a trace."""

import pytest

from eventstore.keys import AggregateKey
from eventstore.log_ids import PUBLIC_IDS
from projections.changes import Change, ReadModel
from projections.store import BuildProgress, Generation, LiveStore
from tests.projections.contract.folding import change, changes, digests, rows
from tests.projections.contract.switching import FORMER, switch
from tests.projections.history import History
from tests.projections.stories import Story

STORY = Story("harbour", ("Ada met Bob.", "Bob saw a whale."), title="Harbour")
OTHER = Story("market", ("Cleo met Ada.",), title="Market")
PARTITION = ("documents", 0)
OLD, NEW = AggregateKey("default", "document", "harbour"), AggregateKey("default", "document", "market")


class GenerationContract:
    """Subclass with fixtures `model` and `store`; the store is open and empty."""

    @pytest.fixture
    def model(self, history: History) -> ReadModel:
        """The read model, over the history's texts and outputs."""
        raise NotImplementedError

    @pytest.fixture
    async def store(self, history: History, model: ReadModel) -> LiveStore:
        """Where it lies."""
        raise NotImplementedError

    async def test_a_bulk_load_says_what_live_writes_say(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        both = await changes(model, await history.tell(STORY, OTHER))
        await store.write(both, {})

        generation = store.generation("next")
        await generation.begin()
        count = sum([await generation.load([one], PUBLIC_IDS) for one in both])
        await generation.finish({PARTITION: 10})

        assert count == sum(len(rows) for one in both for rows in one.sections.values())
        assert await digests(generation.store) == await digests(store)
        assert await generation.store.positions() == {PARTITION: 10}
        await generation.discard()

    async def test_beginning_drops_an_earlier_try(self, model: ReadModel, store: LiveStore, history: History) -> None:
        first = store.generation("next")
        await first.begin()
        await first.load(await changes(model, await history.tell(STORY)), PUBLIC_IDS)

        second = store.generation("next")
        await second.begin()
        await second.finish({})
        assert await rows(second.store) == []
        await second.discard()

    async def test_the_live_one_serves_until_the_switch(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        """The last events are taken in while nobody writes; then everything is as in the new one, positions too."""
        await store.write(await changes(model, await history.tell(STORY)), {PARTITION: 5})
        before, name = await digests(store), await store.content_tag("default")
        late = await history.tell(OTHER)

        generation = store.generation("next")
        await generation.begin()
        await generation.load(await changes(model, await history.of_document(STORY)), PUBLIC_IDS)
        await generation.finish({PARTITION: 5})
        assert await digests(store) == before

        async def catch_up() -> None:
            assert await store.versions([OLD, NEW]) == {OLD: 5}
            await generation.store.write(await changes(model, late), {PARTITION: 10})

        await switch(generation, history.pool, catch_up)

        assert await store.versions([OLD, NEW]) == {OLD: 5, NEW: 5}
        assert await store.positions() == {PARTITION: 10}
        assert await store.content_tag("default") != name
        assert any("market" in row for row in await rows(store))

    async def test_the_new_one_goes_on_as_the_old_one_did(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        """Twice in a row, with a live write between and after."""
        events = await history.tell(STORY)
        for turn in range(2):
            generation = store.generation(f"next{turn}")
            await generation.begin()
            await generation.load([await change(model, events)], PUBLIC_IDS)
            await generation.finish({PARTITION: len(events)})
            await switch(generation, history.pool, former=f"former{turn}")
            events += await history.delete(STORY) if turn == 0 else await history.tell(STORY)
            known = (await store.versions([OLD]))[OLD]
            await store.write([await change(model, events, previous=known)], {PARTITION: len(events)})
        assert await store.versions([OLD]) == {OLD: 11}
        assert await store.positions() == {PARTITION: 11}
        assert any(STORY.chunks[0].chunk_id in row for row in await rows(store))

    async def test_a_failing_catch_up_leaves_the_live_one(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        await store.write(await changes(model, await history.tell(STORY)), {PARTITION: 5})
        before = await digests(store)
        generation = store.generation("next")
        await generation.begin()
        await generation.finish({})

        async def failing() -> None:
            raise RuntimeError("no more")

        with pytest.raises(RuntimeError, match="no more"):
            await switch(generation, history.pool, failing)
        assert await digests(store) == before
        await generation.discard()
        await generation.discard()
        assert await digests(store) == before

    async def test_a_switch_that_failed_may_be_tried_again(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        """Between the tries the live one is written as ever."""
        generation = store.generation("next")
        await generation.begin()
        await generation.load(await changes(model, await history.tell(STORY)), PUBLIC_IDS)
        await generation.finish({})

        async def failing() -> None:
            raise RuntimeError("not yet")

        for _ in range(2):
            with pytest.raises(RuntimeError, match="not yet"):
                await switch(generation, history.pool, failing)
        await store.write(await changes(model, await history.tell(OTHER)), {})
        assert await store.versions([OLD, NEW]) == {NEW: 5}
        await switch(generation, history.pool)
        assert await store.versions([OLD, NEW]) == {OLD: 5}

    async def test_the_former_one_is_kept_and_switched_back_to(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        """It takes in what it missed, as the other one does in its turn."""
        await store.write(await changes(model, await history.tell(STORY)), {PARTITION: 5})
        live = await store.live()
        assert live is not None
        former = live.id or FORMER
        generation = store.generation("next")
        await generation.begin()
        await generation.load(await changes(model, await history.of_document(STORY)), PUBLIC_IDS)
        await generation.finish({PARTITION: 5})
        await switch(generation, history.pool, former=former)
        for other, left in ((former, "next"), ("next", former)):
            news = await history.tell(OTHER) if other == former else await history.delete(OTHER)
            known = (await store.versions([NEW])).get(NEW, 0)
            latest = await change(model, await history.of_document(OTHER), previous=known)
            await store.write([latest], {PARTITION: news[-1].position or 0})
            before = await digests(store)
            there = store.generation(other)

            async def catch_up(there: Generation = there, latest: Change = latest) -> None:
                await there.store.write([latest], {PARTITION: 9})

            await switch(there, history.pool, catch_up, left)
            assert await digests(store) == before
            assert (await store.live() or live).id in (None, other)
        await store.generation(former).discard()
        assert await digests(store) == before

    async def test_a_build_that_was_broken_off_says_how_far_it_was(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        """To whoever comes later: the last stream, the rows, and whether it was finished. It is gone when dropped."""
        first, second = sorted(
            await changes(model, await history.tell(STORY, OTHER)), key=lambda one: PUBLIC_IDS.stream(one.key)
        )
        generation = store.generation("next")
        assert await generation.progress() is None
        await generation.begin()
        assert await generation.progress() == BuildProgress(None, 0, False)
        rows_of_first = await generation.load([first], PUBLIC_IDS)

        later = store.generation("next")
        assert await later.progress() == BuildProgress(PUBLIC_IDS.stream(first.key), rows_of_first, False)
        count = rows_of_first + await later.load([second], PUBLIC_IDS)
        await later.finish({PARTITION: 10})
        assert await store.generation("next").progress() == BuildProgress(PUBLIC_IDS.stream(second.key), count, True)
        await store.write([first, second], {})
        assert await digests(later.store) == await digests(store)
        await later.discard()
        assert await later.progress() is None
