import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.links import Name, Names, Scanned, Targets, name_of, scan


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


def test_only_texts_that_a_changed_name_may_touch_are_scanned_again() -> None:
    texts = {"one": "Paris and Lyon", "two": "Nice and Cannes"}
    known = Names([("paris",)])
    before = scan(texts, known, {}, Names(()))
    names = Names([("paris",), ("cannes",)])
    after = scan({**texts, "three": "Cannes"}, names, before, known)
    assert after["one"] is before["one"]
    assert [span.name for span in after["two"].spans] == [("cannes",)]
    assert [span.name for span in after["three"].spans] == [("cannes",)]


WORDS = st.sampled_from(["Ada", "Bob", "Cyd", "dee"])
NAME = st.lists(WORDS, min_size=1, max_size=3).map(lambda words: name_of(" ".join(words)))
NAMES = st.frozensets(NAME, max_size=6)
TEXTS = st.dictionaries(st.sampled_from("uvwxyz"), st.lists(WORDS, max_size=8).map(" ".join), max_size=4)


@given(TEXTS, NAMES, NAMES)
def test_a_scan_after_another_finds_what_a_fresh_one_finds(
    texts: dict[str, str], first: frozenset[Name], second: frozenset[Name]
) -> None:
    nothing: dict[str, Scanned] = {}
    before = scan(texts, Names(first), nothing, Names(()))
    assert scan(texts, Names(second), before, Names(first)) == scan(texts, Names(second), nothing, Names(()))
