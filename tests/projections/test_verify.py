"""Verify: says nothing of what is right, and names the first thing that is not."""

from collections.abc import Sequence

import pytest

from contracts.topics import topics
from eventstore.keys import AggregateKey
from projections.changes import Sections, uniform_positions
from projections.errors import ReadModelReplacedError
from projections.states import State
from tests.projections.contract.switching import switch
from tests.projections.history import History
from tests.projections.models import NAMES, LiveModel, open_model
from tests.projections.stories import Story

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
MARKET = Story("market", ("Dora met Ada.",), title="Market")
PASSAGES = {"relational": "chunks", "graph": "passages", "vector": "passages"}


@pytest.fixture(params=NAMES)
async def live(request: pytest.FixtureRequest, history: History) -> LiveModel:
    """Each read model in turn, with two documents in it."""
    opened = await open_model(request.param, history)
    await history.tell(HARBOUR, MARKET)
    await opened.everything()
    return opened


async def difference(live: LiveModel) -> str:
    """What verify names; nothing but the live generation is left behind."""
    found = (await live.verify()).difference
    left = await live.history.pool.fetchval(
        "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^(relational|graph|vector)_'"
    )
    assert left == 0
    assert found is not None
    return found


async def test_the_verdict_counts_and_names_the_content(live: LiveModel, history: History) -> None:
    first = await live.verify()
    assert first.name == live.model.name and first.difference is None
    assert first.position == await history.reader.head()
    assert first.rows >= 3
    assert await live.verify() == first

    await history.delete(MARKET)
    await live.everything()
    second = await live.verify()
    assert second.rows < first.rows and second.digest != first.digest


async def test_a_row_that_was_tampered_with_is_shown(live: LiveModel, history: History) -> None:
    table, chunk_id = PASSAGES[live.model.name], HARBOUR.chunks[1].chunk_id
    column, value = ("title", "'Forged'") if live.model.name == "vector" else ("index", "7")
    await history.pool.execute(f"UPDATE {live.model.name}.{table} SET {column} = {value} WHERE chunk_id = $1", chunk_id)
    found = await difference(live)
    assert found.startswith(f"{live.model.name}.{table}, row ")
    assert found.count(chunk_id) == 2 and "live has (default,harbour," in found


async def test_a_row_that_is_missing_is_shown(live: LiveModel, history: History) -> None:
    table, chunk_id = PASSAGES[live.model.name], MARKET.chunks[0].chunk_id
    await history.pool.execute(f"DELETE FROM {live.model.name}.{table} WHERE chunk_id = $1", chunk_id)
    found = await difference(live)
    assert found.startswith(f"{live.model.name}.{table}, row 3 in order: live has nothing more, the events say")
    assert chunk_id in found


async def test_a_row_too_many_is_shown(live: LiveModel, history: History) -> None:
    await history.pool.execute(f"INSERT INTO {live.model.name}.versions VALUES ('zzz', 'document', 'forged', 1)")
    found = await difference(live)
    assert found == (
        f"{live.model.name}.versions, row 3 in order: live has (zzz,document,forged,1), the events say nothing more"
    )


async def test_a_whole_aggregate_that_was_passed_over_is_shown(live: LiveModel, history: History) -> None:
    """Its positions say that everything is there; a document is not."""
    late = Story("late", ("Edgar sleeps.",))
    await history.tell(late)
    await live.store.write([], await live.log_positions())
    assert "late" in await difference(live)


async def test_a_last_event_that_was_passed_over_is_shown(live: LiveModel, history: History) -> None:
    await history.delete(HARBOUR)
    await live.store.write([], await live.log_positions())
    assert "harbour" in await difference(live)


async def test_what_is_still_on_its_way_is_no_difference(live: LiveModel, history: History) -> None:
    """Neither what the live one has not heard of yet, nor what it has already while its position is older."""
    partition = next(iter(uniform_positions(live.model, topics(), 0)))
    await history.delete(MARKET)
    await history.tell(Story("late", ("Edgar sleeps.",)))
    assert (await live.verify()).difference is None

    events = await history.of_document(MARKET)
    await live.projector.apply(events[-1:], {partition: await history.reader.head()})
    assert (await live.verify()).difference is None


class Changing:
    """A read model like another; before it is built again, the live one goes on by one event."""

    def __init__(self, live: LiveModel) -> None:
        self._live = live
        self.name, self.kinds, self.event_types = live.model.name, live.model.kinds, live.model.event_types
        self.folded_types = live.model.folded_types
        self.chunks_say_content = live.model.chunks_say_content
        self.reading = live.model.reading
        self.changed = False

    def of(self, model_revision: str | None) -> "Changing":
        """It counts for this one as well."""
        return self

    async def sections(self, states: Sequence[tuple[AggregateKey, State | None]]) -> list[Sections]:
        """What the other says."""
        if not self.changed:
            self.changed = True
            await self._live.history.delete(HARBOUR)
            await self._live.everything()
        return await self._live.model.sections(states)


async def test_the_live_one_may_change_meanwhile(live: LiveModel) -> None:
    """It is compared as it was when the comparison began."""
    model = Changing(live)
    assert (await LiveModel(model, live.store, live.history).verify()).difference is None
    assert model.changed
    assert (await live.verify()).difference is None


async def test_what_was_replaced_meanwhile_is_not_judged(live: LiveModel, history: History) -> None:
    """Its tables are gone, and those that bear their names now are others."""
    generation = live.store.generation("next")
    await generation.begin()
    await generation.finish({})

    with pytest.raises(ReadModelReplacedError, match="was replaced while it was read"):
        async with live.store.snapshot():
            await switch(generation, history.pool)
