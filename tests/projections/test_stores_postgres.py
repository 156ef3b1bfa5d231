"""The three read models in PostgreSQL keep what every store must keep."""

import pytest

from contracts.brief_event import BriefEvent
from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from eventstore.log_ids import PUBLIC_IDS
from projections.changes import ReadModel
from projections.errors import OldSchemaError, ReadModelReplacedError
from projections.graph.model import LAYOUT as GRAPH
from projections.graph.model import GraphModel
from projections.postgres.live import LivePostgresStore
from projections.relational.model import LAYOUT as RELATIONAL
from projections.relational.model import RelationalModel
from projections.states import fold
from projections.store import LiveStore
from projections.vector.model import VectorModel
from projections.vector.postgres import VectorStore
from tests.projections.contract.folding import changes, digests
from tests.projections.contract.generation import GenerationContract
from tests.projections.contract.store import StoreContract
from tests.projections.history import History
from tests.projections.stories import Story


class FoldContract:
    """Of events that a read model does not fold its rows say nothing."""

    async def test_events_that_are_not_folded_say_nothing(self, model: ReadModel, history: History) -> None:
        story = Story("harbour", ("Ada met Bob.", "Bob saw a whale."))
        told = await history.tell(story)
        for events in (told, [*told, *await history.delete(story)]):
            brief = [
                BriefEvent.of(event)._replace(event_data=event.event_data if own else None)
                for event in events
                for own in (event.event_type in model.folded_types,)
            ]
            key = AggregateKey.of(events[0])
            assert await model.sections([(key, fold(brief))]) == await model.sections([(key, fold(events))])


class StepsContract:
    """A generation is finished in steps, each of which is done once, whichever of them it was broken off in."""

    @pytest.mark.parametrize("broken", ["index_loaded", "index_derived", "reach"])
    async def test_what_was_broken_off_is_finished_later(
        self, model: ReadModel, store: LiveStore, history: History, broken: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        both = await changes(model, await history.tell(Story("harbour", ("Ada met Bob.", "Bob saw a whale."))))
        await store.write(both, {})
        generation = store.generation("next")
        await generation.begin()
        await generation.load(both, PUBLIC_IDS)

        async def broken_off(*_: object) -> None:
            raise StoreUnavailableError("the server went away")

        with monkeypatch.context() as patched:
            patched.setattr(generation.store, broken, broken_off)
            with pytest.raises(StoreUnavailableError):
                await generation.finish({("documents", 0): 5})
        progress = await generation.progress()
        assert progress is not None and not progress.finished

        resumed = store.generation("next")
        await resumed.finish({("documents", 0): 5})
        progress = await resumed.progress()
        assert progress is not None and progress.finished
        assert await digests(resumed.store) == await digests(store)
        assert await _indexes(history, "next") == await _indexes(history, "")
        await resumed.discard()


async def _indexes(history: History, generation: str) -> list[str]:
    """What indexes there are on the tables of the generation, whatever they are called."""
    rows = await history.pool.fetch(
        "SELECT regexp_replace(replace(indexdef, schemaname || '.', ''), 'INDEX [^ ]+', 'INDEX') AS index "
        "FROM pg_indexes WHERE schemaname ~ ('^(relational|graph|vector)' || $1 || '$') ORDER BY 1",
        f"_{generation}" if generation else "",
    )
    return [row["index"] for row in rows]


class TestRelational(StoreContract, GenerationContract, StepsContract, FoldContract):
    @pytest.fixture
    def model(self, history: History) -> ReadModel:
        return RelationalModel()

    @pytest.fixture
    async def store(self, history: History, model: ReadModel) -> LiveStore:
        store = LivePostgresStore(history.pool, RELATIONAL)
        await store.open()
        return store


class TestGraph(StoreContract, GenerationContract, StepsContract, FoldContract):
    @pytest.fixture
    def model(self, history: History) -> ReadModel:
        return GraphModel()

    @pytest.fixture
    async def store(self, history: History, model: ReadModel) -> LiveStore:
        store = LivePostgresStore(history.pool, GRAPH)
        await store.open()
        return store


class TestVector(StoreContract, GenerationContract, StepsContract, FoldContract):
    @pytest.fixture
    def model(self, history: History) -> ReadModel:
        return VectorModel(history.texts, history.outputs)

    @pytest.fixture
    async def store(self, history: History, model: ReadModel) -> LiveStore:
        store = VectorStore(history.pool)
        await store.open()
        return store


async def test_tables_of_another_schema_version_are_not_written(history: History) -> None:
    store = LivePostgresStore(history.pool, GRAPH)
    await store.open()
    await history.pool.execute("UPDATE graph.generation SET schema_version = schema_version + 1")
    with pytest.raises(OldSchemaError, match="annals replay graph"):
        await store.open()


async def test_one_that_is_not_made_says_what_makes_it(history: History) -> None:
    """As `annals status` shows it."""
    with pytest.raises(ReadModelReplacedError, match=r"^not made yet; `annals up` makes it$"):
        await VectorStore(history.pool).positions()
