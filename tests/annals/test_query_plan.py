"""Plans of cross-database queries on skewed data: the order that is chosen is the faster one, and gives the same."""

import statistics
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annals.composition.stores import Stores, open_read_models, open_stores
from annals.settings import load_settings
from contracts.ids import chunk_id
from eventstore.keys import AggregateKey
from projections.changes import Change
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.storage.cross_database import DatabaseIntegrationLayer
from services.storage.query_plan import PlanStep, QueryOptimizer, QueryPlan
from tests.projections.contract.switching import switch

CALLER = Caller("default", "reader", "test", FULL_ACCESS)
MODEL, DIMENSION, DOCUMENTS, RARE = "random@1", 8, 6_000, 5
ROUNDS = 15
LIMIT_S = 60.0


class Always(QueryOptimizer):
    """Asks the stores in one order, whatever they hold."""

    def __init__(self, order: Sequence[str]) -> None:
        self._plan = QueryPlan(tuple(PlanStep((store,), "told to") for store in order), "told to")

    async def semantic_search(self, *_: Any) -> QueryPlan:
        """The one."""
        return self._plan


@pytest.fixture
async def stores(dsn: str, tmp_path: Path) -> AsyncIterator[Stores]:
    """Nearly all documents are English; a few are not."""
    async with open_stores(load_settings(data=tmp_path), dsn) as opened:
        await open_read_models(opened)
        chance = np.random.default_rng(7)
        for name in ("relational", "vector"):
            generation = opened.projections[name].store.generation("next")
            await generation.begin()
            await generation.load([_change(name, number, chance) for number in range(DOCUMENTS)], opened.keys.ids)
            await generation.finish({})
            await switch(generation, opened.pool)
        yield opened


def _change(name: str, number: int, chance: np.random.Generator) -> Change:
    own = f"d{number}"
    rows: dict[str, list[tuple[Any, ...]]]
    if name == "relational":
        attributes = f'{{"language": "{"tlh" if number < RARE else "en"}"}}'
        now = datetime.now(UTC)
        rows = {"documents": [("default", own, "Title", None, attributes, "a" * 64, 9, 9, now)]}
    else:
        vector = chance.standard_normal(DIMENSION)
        embedding = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
        chunk = chunk_id("default", own, "a" * 64, 0)
        of_text = ("", "english", None, None)
        rows = {
            "passages": [
                ("default", own, chunk, 0, "Title", f"Text {number}.", 0, 9, MODEL, DIMENSION, embedding, 2, *of_text)
            ]
        }
    return Change(AggregateKey("default", "document", own), 0, 1, rows)


def layer(stores: Stores, optimizer: QueryOptimizer) -> DatabaseIntegrationLayer:
    read = stores.read
    return DatabaseIntegrationLayer(read.relational, read.graph, read.passages, read.models, stores.topics, optimizer)


@pytest.mark.parametrize(("language", "order"), [("en", ["vector", "relational"]), ("tlh", ["relational", "vector"])])
async def test_the_chosen_order_is_the_faster_one_on_skewed_data(
    stores: Stores, language: str, order: list[str]
) -> None:
    """A filter that nearly all pass is asked for last, one that few pass first. Both orders find the same."""
    planned = layer(stores, QueryOptimizer(stores.read.relational))
    plan = await planned.explain_semantic_search(CALLER, {"language": language}, 5, deadline=Deadline.after(LIMIT_S))
    assert [store for step in plan.order for store in step] == order
    assert ("5995 of 6000" if language == "en" else "5 of 6000") in plan.reason

    other = layer(stores, Always(order[::-1]))
    chance = np.random.default_rng(11)
    took: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(ROUNDS):
        vector = chance.standard_normal(DIMENSION).tolist()
        found = {}
        for chosen, one in ((True, planned), (False, other)):
            began = time.perf_counter()
            answered = await one.semantic_search(
                CALLER, MODEL, vector, {"language": language}, 5, deadline=Deadline.after(LIMIT_S)
            )
            took[chosen].append(time.perf_counter() - began)
            assert not answered.cached
            found[chosen] = {one.passage.document_id for one in answered.result}
        assert len(found[True]) == 5
        # The index for vectors finds the nearest nearly always.
        assert len(found[True] & found[False]) >= 4
    assert statistics.median(took[True]) < statistics.median(took[False])


async def test_a_document_is_looked_for_first_where_most_are_not_there(stores: Stores) -> None:
    """And all stores are asked at once again when they are."""
    read = layer(stores, QueryOptimizer(stores.read.relational))

    async def order() -> tuple[tuple[str, ...], ...]:
        return (await read.explain_document_with_entities(CALLER, deadline=Deadline.after(LIMIT_S))).order

    assert await order() == (("relational", "graph", "vector"),)
    for number in range(30):
        with pytest.raises(NotFoundError):
            await read.document_with_entities(CALLER, f"nowhere-{number}", deadline=Deadline.after(LIMIT_S))
    assert await order() == (("relational",), ("graph", "vector"))
    other = Caller("other", "reader", "test", FULL_ACCESS)
    plan = await read.explain_document_with_entities(other, deadline=Deadline.after(LIMIT_S))
    assert plan.order == (("relational", "graph", "vector"),), "what one tenant asks says nothing to another"
