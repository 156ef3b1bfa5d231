import math

import pytest

from reasoning.links import Names, Targets, name_of


def found(text: str, *names: str) -> list[str]:
    """What of a text is one of these names."""
    return [text[span.start : span.end] for span in Names(map(name_of, names)).find(text)]


def test_the_longest_name_wins() -> None:
    text = "He lived in New York City, then in New York."
    assert found(text, "New York", "New York City", "York") == ["New York City", "New York"]


def test_a_shorter_name_is_found_where_a_longer_one_only_begins() -> None:
    assert found("The New York Times wrote", "New York", "New York City") == ["New York"]


def test_a_single_lower_case_word_is_no_mention() -> None:
    assert found("a boston bean in Boston", "Boston") == ["Boston"]
    assert found("the journal of mathematics", "Journal of Mathematics") == ["journal of mathematics"]


def test_names_are_found_without_case_articles_possessives_accents_and_punctuation() -> None:
    assert found("Antonin Dvorak's house", "Antonín Dvořák") == ["Antonin Dvorak"]
    assert found("by Beatles, St Louis", "The Beatles", "St. Louis") == ["Beatles", "St Louis"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("工程师王伟昨天来了", "王伟"),
        ("采购订单自动审批流程已经发布", "自动审批流程"),
        ("मीरा देवी आईं", "मीरा देवी"),
        ("by Jose\u0301 Garci\u0301a in 1999", "Jos\u00e9 Garc\u00eda"),
        ("songs of A-ha now", "A-ha"),
        ("in \u0130stanbul today", "Istanbul"),
    ],
)
def test_names_are_found_in_every_script(text: str, name: str) -> None:
    (one,) = found(text, name)
    assert name_of(one) == name_of(name) and one in text


def test_a_name_is_not_found_in_one_that_differs_by_a_vowel() -> None:
    assert found("मोर देवी आईं", "मीरा देवी") == []


def test_a_name_that_is_empty_is_never_found() -> None:
    assert found("!!! and ???", "!!!") == []


def test_a_shared_name_says_less() -> None:
    targets = Targets([(("paris",), 0, 1.0), (("paris",), 1, 0.5), (("lyon",), 2, 0.9)])
    assert dict(targets.of(("paris",))) == pytest.approx({0: 1 / math.sqrt(2), 1: 0.5 / math.sqrt(2)})
    assert targets.of(("lyon",)) == [(2, 0.9)]
    assert targets.of(("nice",)) == ()


def test_the_same_name_twice_for_a_passage_counts_once_at_its_best() -> None:
    assert Targets([(("paris",), 0, 0.5), (("paris",), 0, 1.0)]).of(("paris",)) == [(0, 1.0)]


def test_links_know_their_place_and_never_lead_to_themselves() -> None:
    targets = Targets([(name_of("Lyon"), 0, 1.0), (name_of("Paris"), 1, 1.0)])
    text = "Lyon is not Paris"
    links = targets.links(Names(targets.names).find(text), source=0)
    assert [(link.target, text[link.start : link.end]) for link in links] == [(1, "Paris")]


def test_a_name_that_more_share_than_are_here_says_as_little() -> None:
    targets = Targets([(("paris",), 0, 1.0)], {("paris",): 4})
    assert targets.of(("paris",)) == [(0, 0.5)]
