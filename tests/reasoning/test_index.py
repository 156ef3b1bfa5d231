import math

import numpy as np
import pytest

from contracts.ids import entity_id
from projections.graph.reads import GraphSnapshot, Mention, Subject
from reasoning.index import BACKWARD, Index, Whole
from tests.reasoning.town import TENANT, TOWN, index_of, passages_of, snapshot_of


def test_links_go_both_ways_and_know_whose_text_holds_them() -> None:
    index = index_of()
    lantern, voss = index.numbers["lantern"], index.numbers["voss"]
    (forward,) = [link for link in index.edges(lantern) if link.other == voss]
    (backward,) = [link for link in index.edges(voss) if link.other == lantern]
    assert forward.holder == backward.holder == lantern
    assert TOWN["lantern"][1][forward.start : forward.end] == "Mirela Voss"
    assert backward.weight == pytest.approx(BACKWARD * forward.weight)


def test_a_place_belongs_to_its_sentence() -> None:
    index = index_of()
    number = index.numbers["lantern"]
    text = TOWN["lantern"][1]
    start, end, content = index.sentence_at(number, text.index("Mirela"))
    assert text[start:end] == "It was written by Mirela Voss in one winter."
    assert "mirela" in content
    assert index.sentence_at(number, 0)[0] == 0


def test_stems_lead_to_the_passages_that_hold_them() -> None:
    index = index_of()
    assert set(index.holding("novel")) == {index.numbers["lantern"], index.numbers["novel"]}
    assert index.holding("kraken").size == 0


def test_a_mention_joins_passages_in_the_graph() -> None:
    index = index_of()
    ((node, frequency),) = index.seeds(("teshe",))
    assert frequency == 2
    joined = set(np.flatnonzero(index.chances.toarray()[:, node]))
    assert {index.numbers["orlinga"], index.numbers["bridge"]} < joined


def test_what_is_everywhere_joins_nothing() -> None:
    town = {f"p{number}": (f"Passage {number}", "Text.") for number in range(12)}
    everywhere = [Mention("e", "Everywhere", key, 1) for key in town]
    chances = Index(passages_of(town), GraphSnapshot([], everywhere, [])).chances
    assert len(chances.chances) == 0


def test_rows_about_passages_that_are_gone_are_passed_over() -> None:
    gone = GraphSnapshot([Subject("e", "Mirela Voss", "gone", 1.0)], [Mention("e", "Mirela Voss", "gone", 1)], [])
    index = Index(passages_of(TOWN), gone)
    assert not any(index.edges(number) for number in range(len(TOWN)))
    assert [span.name for span in index.names_in("Who is Mirela Voss?")] == [("mirela", "voss")]
    assert index.seeds(("mirela", "voss")) == []


def test_an_index_of_a_part_weighs_by_the_whole() -> None:
    """A word, an entity and a name say as much as they say among all passages."""
    part = {key: TOWN[key] for key in ("orlinga", "bridge")}
    river = entity_id(TENANT, "Teshe")
    alone = index_of(part)
    index = Index(
        passages_of(part), snapshot_of(part), Whole(1000, {"river": 10}, {river: 50}, {("teshe", "bridge"): 4})
    )
    assert index.rarity.weigh(["river"])["river"] == pytest.approx(math.log(1 + 1000 / 10))
    assert index.seeds(("teshe",)) == [(alone.seeds(("teshe",))[0][0], 50)]
    assert index.targets.of(("teshe", "bridge"))[0][1] == pytest.approx(alone.targets.of(("teshe", "bridge"))[0][1] / 2)
    node = index.seeds(("teshe",))[0][0]
    # A walk from the river goes to one of the 48 other passages that speak of it, most of the time.
    assert index.chances.toarray()[:, node].sum() < 0.1
    assert alone.chances.toarray()[:, node].sum() == pytest.approx(1.0)


def test_an_empty_tenant_has_an_empty_index() -> None:
    index = Index([], GraphSnapshot([], [], []))
    assert index.passages == () and index.chances.size == 0
