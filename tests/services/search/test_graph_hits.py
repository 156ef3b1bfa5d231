"""What is near to the entities that a text names, whatever the order in which a database gives those."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from contracts.ids import entity_id
from projections.graph.reads import Entity, GraphReader, Node
from projections.vector.reads import Hit
from services.search.graph_hits import MOST_ENTITIES, graph_hits

NAMES = [f"Town{number}" for number in range(MOST_ENTITIES + 4)]


class Graph:
    """Knows towns, each named in a passage of its own, and gives them in one order or the other."""

    def __init__(self, *, backwards: bool) -> None:
        self._names = {entity_id("towns", name): name for name in (NAMES[::-1] if backwards else NAMES)}

    async def find(self, tenant: str, names: Sequence[str], **_: Any) -> list[Entity]:
        """All of them."""
        return [Entity(one, name, None, 1) for one, name in self._names.items() if name in names]

    async def k_hops(self, tenant: str, starts: Sequence[Node], hops: int, limit: int = 1000) -> dict[Node, int]:
        """The town, its passage and one that all are named in."""
        (start,) = starts
        return {start: 0, Node("passage", f"of-{self._names[start.id]}"): 1, Node("passage", "all"): 1}


async def hits(*, backwards: bool) -> list[Hit]:
    """For a text that names all of them, which are more than are started from."""
    graph = cast(GraphReader, Graph(backwards=backwards))
    return await graph_hits(graph, "towns", " ".join(NAMES), 50)


@pytest.mark.parametrize("backwards", [False, True])
async def test_the_passage_that_all_lead_to_is_first(backwards: bool) -> None:
    found = await hits(backwards=backwards)
    assert found[0] == Hit("all", MOST_ENTITIES)
    assert len(found) == 1 + MOST_ENTITIES


async def test_of_names_of_one_length_the_same_are_started_from() -> None:
    assert await hits(backwards=False) == await hits(backwards=True)
