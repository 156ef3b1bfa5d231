"""Several writers of one read model in PostgreSQL: they wait where they share something, and nothing is miscounted."""

import asyncio
import random

import pytest

from eventstore.pool import share_turn, transaction
from projections.errors import StaleVersionError
from tests.projections.contract.folding import change
from tests.projections.history import History
from tests.projections.models import LiveModel, open_model
from tests.projections.stories import Story


@pytest.fixture(params=["relational", "graph"])
async def live(request: pytest.FixtureRequest, history: History) -> LiveModel:
    """Each read model that derives entities."""
    return await open_model(request.param, history)


def story(number: int) -> Story:
    """All name Ada, under two names; some name each other's people."""
    ada = "Ada" if number % 3 else "ADA"
    return Story(f"d{number}", (f"{ada} met Bob{number % 5}.", f"Bob{number % 7} saw {ada}."), title="Harbour")


@pytest.mark.parametrize("seed", [1, 2])
async def test_writers_side_by_side_count_what_one_would(live: LiveModel, history: History, seed: int) -> None:
    """Documents come, change and go, each writer in an order of its own."""
    chance = random.Random(seed)
    writers = [[story(10 * writer + number) for number in range(10)] for writer in range(4)]

    async def write(stories: list[Story], decide_ada: bool) -> None:
        chance.shuffle(stories)
        for one in stories:
            await live.projector.apply(await history.tell(one), {})
        for one in stories[:4]:
            await live.projector.apply(await history.delete(one), {})
        if decide_ada:
            await live.projector.apply(await history.rename("Ada", "Countess"), {})
        for one in stories[2:6]:
            await live.projector.apply(await history.tell(one), {})

    async with asyncio.timeout(120):
        await asyncio.gather(*(write(stories, number == 0) for number, stories in enumerate(writers)))
    await live.everything()
    assert (await live.verify()).difference is None


async def test_independent_documents_do_not_wait_for_each_other(live: LiveModel, history: History) -> None:
    events = await history.tell(story(1))
    async with transaction(history.pool) as connection:
        await share_turn(connection, live.model.name)
        await connection.execute(f"INSERT INTO {live.model.name}.versions VALUES ('default', 'document', 'another', 1)")
        async with asyncio.timeout(10):
            await live.projector.apply(events, {})


async def test_of_two_writers_of_one_document_one_is_told(live: LiveModel, history: History) -> None:
    one = await change(live.model, await history.tell(story(1)))
    results = await asyncio.gather(*(live.store.write([one], {}) for _ in range(4)), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [StaleVersionError] * 3
    assert (await live.verify()).difference is None


async def test_a_document_that_names_much_leaves_nothing(live: LiveModel, history: History) -> None:
    """An entity goes with the last that names it, and its names with it."""
    await history.tell(story(1))
    await live.everything()
    assert await history.pool.fetchval(f"SELECT count(*) FROM {live.model.name}.entity_names") > 0
    await history.delete(story(1))
    await live.everything()
    for table in ("entity_names", "entities"):
        assert await history.pool.fetchval(f"SELECT count(*) FROM {live.model.name}.{table}") == 0


async def test_a_new_entity_is_written_once(live: LiveModel, history: History) -> None:
    """Each further version of a row is a dead one and an entry in each index: with many documents, writes grow slow."""
    await live.projector.apply(await history.tell(story(1)), {})
    written = await history.pool.fetchrow(
        f"SELECT count(*), max((ctid::text::point)[1]) FROM {live.model.name}.entities"
    )
    assert written is not None and written[0] == written[1] > 2
    await live.everything()
    assert (await live.verify()).difference is None


async def test_a_new_entity_is_called_as_most_of_its_document_say(live: LiveModel, history: History) -> None:
    """In a tie as the first by its bytes; and what a person decided at the same time comes before that."""
    told = await history.tell(
        Story("d1", ("Ada met Cleo.", "ADA saw Bob.", "Bob met Bob.", "BOB saw Cleo."), title="Harbour")
    )
    await live.projector.apply([*told, *await history.rename("Cleo", "Countess")], {})
    rows = await history.pool.fetch(f"SELECT name FROM {live.model.name}.entities")
    assert {"ADA", "Bob", "Countess"} <= {row["name"] for row in rows}
    await live.everything()
    assert (await live.verify()).difference is None
