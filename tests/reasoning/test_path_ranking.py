from dataclasses import replace

import pytest

from projections.graph.reads import GraphSnapshot, Mention
from projections.vector.reads import Hit
from reasoning.index import Edge, Index
from reasoning.links import Name
from reasoning.path_ranking import STARTS, Scores, follow, held_of, rank
from reasoning.words import content_of
from tests.reasoning.town import index_of, own_scores, passages_of, snapshot_of

QUESTION = "Who is mayor of the town where the writer of The Glass Lantern grew up?"


def followed(
    index: Index, question: str, own: Scores, asked: frozenset[Name] = frozenset()
) -> tuple[Scores, dict[int, tuple[int, Edge]]]:
    weights = index.rarity.weigh(content_of(question))
    return follow(index, weights, held_of(index, weights), own, asked)


def test_a_strong_passage_lifts_what_it_names_and_that_again() -> None:
    index = index_of()
    own = own_scores(index, lantern=1.0)
    scores, via = followed(index, QUESTION, own)
    gains = dict(zip(index.numbers, (scores - own).tolist(), strict=True))
    assert gains["voss"] > gains["orlinga"] > gains["bread"] == gains["moth"] == 0.0
    assert via[index.numbers["voss"]][0] == index.numbers["lantern"]
    assert via[index.numbers["orlinga"]][0] == index.numbers["voss"]


def test_a_link_in_a_sentence_like_the_question_is_worth_more() -> None:
    town = {
        "start": ("Start", "Its mayor is Ada Holm. A stone there was found by Bo Lind."),
        "holm": ("Ada Holm", "A person."),
        "lind": ("Bo Lind", "A person."),
    }
    index = Index(passages_of(town), snapshot_of(town))
    scores, _ = followed(index, "Who is the mayor?", own_scores(index, start=1.0))
    assert scores[index.numbers["holm"]] > scores[index.numbers["lind"]]


def test_only_strong_passages_lead_on() -> None:
    town = {f"p{number}": (f"Passage {number}", "Text.") for number in range(STARTS)}
    town |= {"weak": ("Weak", "It names Ada Holm."), "holm": ("Ada Holm", "A person.")}
    index = Index(passages_of(town), snapshot_of(town))
    own = own_scores(index, **{key: 1.0 for key in town if key.startswith("p")}, weak=0.2, holm=0.0)
    scores, via = followed(index, "text", own)
    assert scores[index.numbers["holm"]] == 0.0
    assert index.numbers["holm"] not in via


SISTERS = {
    "play": ("The Salt Road", "The Salt Road is a play. It was first staged by Mirela Voss."),
    "life": ("Nora", "Nora was a sister of Mirela Voss, and a citizen of Orlinga."),
    "other": ("Rye bread", "Rye bread is baked from sour dough."),
}


def test_a_name_that_no_passage_is_about_joins_those_that_have_it() -> None:
    voss = "voss"
    mentions = [Mention(voss, "Mirela Voss", key, 1) for key in ("play", "life")]
    index = Index(passages_of(SISTERS), replace(snapshot_of(SISTERS), mentions=mentions))
    own = own_scores(index, play=1.0)
    scores, via = followed(index, "Of what country is who staged The Salt Road?", own)
    life, other = index.numbers["life"], index.numbers["other"]
    assert scores[life] > own[life] and scores[other] == own[other]
    source, edge = via[life]
    assert source == index.numbers["play"] and SISTERS["play"][1][edge.start : edge.end] == "Mirela Voss"
    asked = frozenset({("mirela", "voss")})
    assert followed(index, "Who is Mirela Voss?", own, asked)[0][life] == own[life], "the question has it already"


def test_two_hops_bring_the_passage_that_shares_least_with_the_question() -> None:
    index = index_of()
    near = [Hit("lantern", 0.6), Hit("novel", 0.4), Hit("glazier", 0.35), Hit("voss", 0.3), Hit("bread", 0.1)]
    ranking = rank(index, QUESTION, near, [Hit("lantern", 4.0), Hit("novel", 1.0)])
    best = [index.passages[number].chunk_id for number in ranking.best(3)]
    assert best[0] == "lantern" and set(best) == {"lantern", "voss", "orlinga"}
    way = ranking.way_to(index.numbers["orlinga"])
    assert [index.passages[before].chunk_id for before, _ in way] == ["voss", "lantern"]


def test_a_way_ends_at_a_passage_that_the_question_names() -> None:
    index = index_of()
    ranking = rank(index, QUESTION, [Hit("voss", 0.9), Hit("lantern", 0.3)], [])
    assert index.numbers["lantern"] in {link.target for link in ranking.named}
    assert ranking.way_to(index.numbers["lantern"]) == []


def test_a_passage_near_to_several_names_is_worth_more_than_one_near_to_the_rarest() -> None:
    town = {
        "alone": ("Ledger", "It lists Ada Holm."),
        "both": ("Letters", "They are of Bo Lind and Cy Moor."),
        "lind": ("Harbour", "Bo Lind lived there."),
        "moor": ("Mill", "Cy Moor built it."),
    }
    held = {"Ada Holm": ["alone"], "Bo Lind": ["both", "lind"], "Cy Moor": ["both", "moor"]}
    mentions = [Mention(name, name, key, 1) for name, keys in held.items() for key in keys]
    index = Index(passages_of(town), replace(snapshot_of(town), mentions=mentions))
    ranking = rank(index, "What joins Ada Holm, Bo Lind and Cy Moor?", [], [])
    best = [index.passages[number].chunk_id for number in ranking.best(4)]
    assert best[0] == "both"
    assert all(ranking.scores > 0.0)


def test_a_passage_beyond_the_search_is_less_like_than_the_last_found() -> None:
    index = index_of()
    ranking = rank(index, QUESTION, [Hit("lantern", 0.6), Hit("novel", 0.4), Hit("gone", 0.1)], [])
    assert ranking.similar[index.numbers["lantern"]] == pytest.approx(0.6)
    assert 0.0 < ranking.similar[index.numbers["moth"]] < 0.4


def test_nothing_found_and_nothing_known_is_no_error() -> None:
    assert rank(index_of(), "?", [], []).best(2) == [0, 1]
    assert rank(Index([], GraphSnapshot([], [], [])), QUESTION, [Hit("gone", 0.9)], []).best(5) == []
