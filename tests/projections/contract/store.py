"""What a store of a read model keeps: versions, positions, all or nothing, nothing of what was deleted."""

import pytest

from eventstore.keys import AggregateKey
from projections.changes import Change, ReadModel
from projections.errors import StaleVersionError
from projections.states import fold
from projections.store import LiveStore
from tests.projections.contract.folding import change, changes, digests, rows
from tests.projections.history import History, keys_of
from tests.projections.stories import Story

STORY = Story("harbour", ("Ada met Zebedee.", "Bob saw a whale.", "Ada met Bob."), title="Harbour")
OTHER = Story("market", ("Cleo met Ada.",), title="Market")
PARTITION, OTHER_PARTITION = ("documents", 0), ("documents", 1)


class StoreContract:
    """Subclass with fixtures `model` and `store`; the store is open and empty."""

    @pytest.fixture
    def model(self, history: History) -> ReadModel:
        """The read model, over the history's texts and outputs."""
        raise NotImplementedError

    @pytest.fixture
    async def store(self, history: History, model: ReadModel) -> LiveStore:
        """Where it lies."""
        raise NotImplementedError

    async def test_an_empty_store_knows_nothing(self, store: LiveStore) -> None:
        assert await store.versions([AggregateKey("default", "document", "harbour")]) == {}
        assert await store.positions() == {}
        assert await rows(store) == []

    async def test_opening_again_changes_nothing(self, model: ReadModel, store: LiveStore, history: History) -> None:
        await store.write(await changes(model, await history.tell(STORY)), {PARTITION: 5})
        before = await rows(store)
        await store.open()
        assert await rows(store) == before != []
        assert await store.positions() == {PARTITION: 5}

    async def test_versions_and_positions_come_with_the_rows(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        events = await history.tell(STORY, OTHER)
        first, second = keys_of(events)
        await store.write(await changes(model, events), {PARTITION: 10, OTHER_PARTITION: 3})

        stranger = AggregateKey("default", "document", "nowhere")
        assert await store.versions([first, second, stranger]) == {first: 5, second: 5}
        assert await store.positions() == {PARTITION: 10, OTHER_PARTITION: 3}
        async with store.snapshot() as snapshot:
            assert await snapshot.versions() == {first: 5, second: 5}
            assert await snapshot.positions() == {PARTITION: 10, OTHER_PARTITION: 3}

    async def test_positions_never_go_back(self, store: LiveStore) -> None:
        await store.write([], {PARTITION: 7, OTHER_PARTITION: 7})
        await store.write([], {PARTITION: 3, OTHER_PARTITION: 9})
        assert await store.positions() == {PARTITION: 7, OTHER_PARTITION: 9}

    @pytest.mark.parametrize("previous", [0, 2, 5])
    async def test_another_version_than_expected_is_refused(
        self, model: ReadModel, store: LiveStore, history: History, previous: int
    ) -> None:
        """Whole: neither the other aggregate of the same write nor the positions are taken."""
        events = await history.tell(STORY)
        await store.write([await change(model, events[:3])], {PARTITION: 3})
        before = await rows(store)

        late = await change(model, events, previous)
        fresh = await change(model, await history.tell(OTHER))
        with pytest.raises(StaleVersionError):
            await store.write([fresh, late], {PARTITION: 10})
        assert await rows(store) == before
        assert await store.positions() == {PARTITION: 3}
        assert await store.versions([fresh.key, late.key]) == {late.key: 3}

    async def test_a_version_that_should_be_there_and_is_not_is_refused(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        with pytest.raises(StaleVersionError):
            await store.write([await change(model, await history.tell(STORY), previous=3)], {})
        assert await rows(store) == []

    async def test_what_was_written_is_not_written_twice(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        written = await changes(model, await history.tell(STORY))
        await store.write(written, {})
        before = await rows(store)
        with pytest.raises(StaleVersionError):
            await store.write(written, {})
        assert await rows(store) == before

    async def test_steps_lead_to_the_same_rows_as_one_leap(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        """A section that a change does not name is left alone, one that it names is replaced."""
        events = await history.tell(STORY)
        await store.write([await change(model, events)], {})
        leap = await digests(store)

        generation = store.generation("other")
        await generation.begin()
        await generation.finish({})
        try:
            for previous, event in enumerate(events):
                (sections,) = await model.sections([(keys_of(events)[0], fold([event]))])
                await generation.store.write(
                    [Change(keys_of(events)[0], previous, event.aggregate_version, sections)], {}
                )
            assert await digests(generation.store) == leap
        finally:
            await generation.discard()

    async def test_the_order_of_aggregates_does_not_matter(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        both = await changes(model, await history.tell(STORY, OTHER))
        await store.write(both, {})
        together = await digests(store)

        generation = store.generation("other")
        await generation.begin()
        await generation.finish({})
        try:
            for one in reversed(both):
                await generation.store.write([one], {})
            assert await digests(generation.store) == together
        finally:
            await generation.discard()

    async def test_a_deleted_document_leaves_its_version_alone(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        events = await history.tell(STORY)
        await store.write(await changes(model, [*events, *await history.tell(OTHER)]), {})
        whole = "\n".join(await rows(store))
        assert STORY.chunks[0].chunk_id in whole

        await store.write([await change(model, [*events, *await history.delete(STORY)], previous=5)], {})

        left = await rows(store)
        assert len([row for row in left if "harbour" in row]) == 1
        for trace in ("Zebedee", "whale", "Harbour", *(chunk.chunk_id for chunk in STORY.chunks)):
            assert trace not in "\n".join(left)
        assert await store.versions(keys_of(events)) == {keys_of(events)[0]: 6}
        # What only the other document says is there as if it had always been alone.
        generation = store.generation("other")
        await generation.begin()
        await generation.finish({})
        try:
            await generation.store.write([await change(model, await history.of_document(OTHER))], {})
            assert [row for row in left if "harbour" not in row] == await rows(generation.store)
        finally:
            await generation.discard()

    async def test_a_document_comes_back_after_its_deletion(
        self, model: ReadModel, store: LiveStore, history: History
    ) -> None:
        events = await history.tell(STORY)
        await store.write([await change(model, events)], {})
        events += await history.delete(STORY)
        await store.write([await change(model, events, previous=5)], {})
        events += await history.tell(STORY)
        await store.write([await change(model, events, previous=6)], {})

        assert await store.versions(keys_of(events)) == {keys_of(events)[0]: 11}
        assert any(STORY.chunks[0].chunk_id in row for row in await rows(store))

    async def test_tenants_share_nothing(self, model: ReadModel, store: LiveStore, history: History) -> None:
        """The same document of two tenants: the version of one, and its rows, do not move the other's."""
        ours, theirs = (
            Story("harbour", ("Ada met Bob.",), tenant="ours"),
            Story("harbour", ("Ada met Bob.",), tenant="theirs"),
        )
        own, foreign = await history.tell(ours), await history.tell(theirs)
        await store.write(await changes(model, [*own, *foreign]), {})
        name, names = await store.content_tag("ours"), await store.content_tag("theirs")

        await store.write([await change(model, [*foreign, *await history.delete(theirs)], previous=5)], {})

        assert await store.versions([*keys_of(own), *keys_of(foreign)]) == {keys_of(own)[0]: 5, keys_of(foreign)[0]: 6}
        assert any(ours.chunks[0].chunk_id in row for row in await rows(store))
        assert not any(theirs.chunks[0].chunk_id in row for row in await rows(store))
        assert await store.content_tag("ours") == name
        assert await store.content_tag("theirs") != names

    async def test_a_snapshot_does_not_move(self, model: ReadModel, store: LiveStore, history: History) -> None:
        await store.write(await changes(model, await history.tell(STORY)), {PARTITION: 5})
        before = await digests(store)
        async with store.snapshot() as snapshot:
            await store.write(await changes(model, await history.tell(OTHER)), {PARTITION: 10})
            assert await snapshot.digests() == before
            assert list(await snapshot.versions()) == [AggregateKey("default", "document", "harbour")]
            assert await snapshot.positions() == {PARTITION: 5}
        assert await digests(store) != before
