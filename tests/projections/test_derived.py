"""Relations under an ontology: flagged where they violate it; what follows is derived, and goes with its ground."""

from itertools import pairwise

import pytest

from contracts.ids import entity_id
from contracts.ontology import VIOLATING, Ontology
from projections.graph.model import LAYOUT as GRAPH
from projections.graph.model import GraphModel
from projections.graph.postgres import PostgresGraph
from projections.postgres.live import LivePostgresStore
from projections.projector import Projector
from projections.relational import derived as deriving
from projections.relational.derived import DerivedReader
from projections.relational.model import LAYOUT, RelationalModel
from projections.relational.postgres import PostgresRelational
from projections.relational.reads import RelationFilter
from projections.relational.review import ReviewReader
from reasoning.typed_graph import TypedGraph, typed
from tests.projections.contract.folding import follow
from tests.projections.history import History
from tests.projections.stories import Story

RULES = Ontology.model_validate(
    {
        "types": {"Person": ["PERSON"], "Legend": ["LEGEND"]},
        "predicates": {
            "in": {"inverse": "holds", "transitive": True},
            "wed": {"symmetric": True},
            "slew": {"domain": ["Person"], "range": ["Legend"], "inverse": "fell"},
        },
    }
)
TENANT = "default"
Said = tuple[str, str, str, str, int]


class Both:
    """Both read models, with everything that happened."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._projectors = (
            Projector(RelationalModel(), LivePostgresStore(history.pool, LAYOUT), history.reader),
            Projector(GraphModel(), LivePostgresStore(history.pool, GRAPH), history.reader),
        )

    async def follow(self) -> None:
        for one in self._projectors:
            await follow(one, self._history)

    async def tell(self, *stories: Story) -> None:
        await self._history.tell(*stories)
        await self.follow()


@pytest.fixture
async def both(history: History) -> Both:
    for layout in (LAYOUT, GRAPH):
        await LivePostgresStore(history.pool, layout).open()
    return Both(history)


async def following(history: History, name: str, predicate: str | None = None) -> list[Said]:
    found = await DerivedReader(history.pool, RULES).of(TENANT, entity_id(TENANT, name), predicate)
    assert found.whole
    return [(one.subject, one.predicate, one.object, one.rule, len(one.because)) for one in found.relations]


NEST = (Story("one", ("Attic in House.",)), Story("two", ("House in Street.",)), Story("three", ("Street in Town.",)))


async def test_inverse_and_transitive_ones_follow_over_documents(history: History, both: Both) -> None:
    await both.tell(*NEST)
    assert await following(history, "Attic") == [
        ("House", "holds", "Attic", "inverse", 1),
        ("Street", "holds", "Attic", "transitive", 2),
        ("Town", "holds", "Attic", "transitive", 3),
        ("Attic", "in", "Street", "transitive", 2),
        ("Attic", "in", "Town", "transitive", 3),
    ]
    assert await following(history, "Street", "in") == [
        ("Attic", "in", "Street", "transitive", 2),
    ]
    (last,) = [
        one
        for one in (await DerivedReader(history.pool, RULES).of(TENANT, entity_id(TENANT, "Attic"), "in")).relations
        if one.object == "Town"
    ]
    assert list(last.because) == [story.related.relations[0].relation_id for story in NEST]
    assert last.confidence == pytest.approx(0.8**3)


async def test_the_order_of_documents_does_not_matter(history: History, both: Both) -> None:
    await both.tell(*reversed(NEST))
    assert [one[2] for one in await following(history, "Attic", "in")] == ["Street", "Town"]


async def test_symmetric_ones_and_inverses_that_are_written(history: History, both: Both) -> None:
    await both.tell(Story("w", ("Ada wed Bob.",)), Story("h", ("Town holds House.",)))
    assert await following(history, "Ada") == [("Bob", "wed", "Ada", "symmetric", 1)]
    assert await following(history, "Bob") == [("Bob", "wed", "Ada", "symmetric", 1)]
    assert await following(history, "House") == [("House", "in", "Town", "inverse", 1)]
    # What a document states is not derived.
    await both.tell(Story("b", ("Bob wed Ada.",)), Story("i", ("House in Town.",)))
    assert await following(history, "Ada") == []
    assert await following(history, "House") == []


async def test_circles_end(history: History, both: Both) -> None:
    await both.tell(Story("c", ("Ada in Bob.", "Bob in Cyd.", "Cyd in Ada.")))
    assert await following(history, "Ada", "in") == [
        ("Ada", "in", "Cyd", "transitive", 2),
        ("Bob", "in", "Ada", "transitive", 2),
    ]


@pytest.mark.parametrize("way", ["delete", "reject", "amend", "deny", "reject entity"])
async def test_they_go_with_their_ground_and_come_back(history: History, both: Both, way: str) -> None:
    await both.tell(*NEST)
    two = NEST[1]
    relation = two.related.relations[0].relation_id
    if way == "delete":
        await history.delete(two)
    elif way == "reject":
        await history.judge_relation(two, relation, valid=False)
    elif way == "amend":
        await history.amend_relation(two, relation, "near")
    elif way == "reject entity":
        await history.judge("Street", valid=False)
    else:
        await history.tell(Story("two", ("House in Street. ",), manners=({"negated": True},)))
    await both.follow()
    assert await following(history, "Attic", "in") == []
    if way == "reject":
        await history.undo_relation(two, relation)
        await both.follow()
        assert len(await following(history, "Attic", "in")) == 2


async def test_merges_join_what_follows(history: History, both: Both) -> None:
    await both.tell(Story("one", ("Attic in House.",)), Story("two", ("Home in Town.",)))
    assert await following(history, "Attic", "in") == []
    await history.merge("Home", "House")
    await both.follow()
    assert await following(history, "Attic", "in") == [("Attic", "in", "Town", "transitive", 2)]


async def test_steps_and_relations_have_bounds(history: History, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"N{chr(97 + one)}" for one in range(deriving.MOST_STEPS + 3)]
    chain = tuple(f"{one} in {other}." for one, other in pairwise(names))
    await both.tell(Story("chain", chain))
    assert max(one[4] for one in await following(history, names[0], "in")) == deriving.MOST_STEPS
    monkeypatch.setattr(deriving, "MOST_RELATIONS", 0)
    assert not (await DerivedReader(history.pool, RULES).of(TENANT, entity_id(TENANT, names[0]))).whole


async def test_a_violation_is_kept_and_flagged_until_the_types_fit(history: History, both: Both) -> None:
    story = Story("d", ("George slew Smaug.", "Ada met Bob."))
    await both.tell(story)
    rows = PostgresRelational(history.pool, RULES)

    async def flagged(collections: frozenset[str] | None = None) -> dict[str, str | None]:
        wanted = RelationFilter(document_id="d", collections=collections)
        found = await rows.list_relations(TENANT, wanted, None, 10)
        shown = await rows.document(TENANT, "d", collections)
        assert shown is not None
        assert {one["predicate"]: one["violates"] for one in shown.relations} == {
            one.predicate: one.violates for one in found
        }
        return {one.predicate: one.violates for one in found}

    wrong = "the object of slew is Legend, not PERSON"
    for collections in (None, frozenset({""})):
        assert await flagged(collections) == {"slew": wrong, "met": None}
    # Nothing follows from what violates it, unless somebody calls it right.
    assert await following(history, "Smaug") == []
    review = await ReviewReader(history.pool, RULES).relations(TENANT, 10, None)
    assert [(one.predicate, one.confidence, one.violates) for one in review] == [
        ("slew", 0.8 * VIOLATING, wrong),
        ("met", 0.8, None),
    ]
    await history.judge_relation(story, story.related.relations[0].relation_id, valid=True)
    await both.follow()
    assert [one[1] for one in await following(history, "Smaug")] == ["fell"]
    await history.rename("Smaug", "Smaug")
    await both.follow()
    assert await flagged() == {"slew": None, "met": None}


async def test_answers_weigh_a_violation_less(history: History, both: Both) -> None:
    story = Story("d", ("George slew Smaug.", "Ada met Bob."))
    await both.tell(story)
    graph, rows = PostgresGraph(history.pool), PostgresRelational(history.pool)
    read = TypedGraph(graph, rows, RULES)
    chunks = [chunk.chunk_id for chunk in story.chunks]

    async def weights() -> dict[str, float]:
        return {one.predicate: one.confidence for one in (await read.around(TENANT, chunks)).statements}

    assert await weights() == {"slew": 0.8 * VIOLATING, "met": 0.8}
    await history.judge_relation(story, story.related.relations[0].relation_id, valid=True)
    await both.follow()
    assert await weights() == {"slew": 0.8, "met": 0.8}
    # What was answered by another ontology is not given again.
    assert await read.content_tag(TENANT) != await graph.content_tag(TENANT)
    assert typed(graph, rows, Ontology()) is graph
