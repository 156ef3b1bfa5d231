"""What questions ask for, of what, and in which steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.question.kinds import Kind, kind_of_noun, singular
from reasoning.question.reading import read


@pytest.mark.parametrize(
    ("question", "kind", "noun"),
    [
        ("Who built Oster Mill?", Kind.PERSON, ()),
        ("Where was the builder of Oster Mill born?", Kind.LOCATION, ()),
        ("When did Oster Mill close?", Kind.TIME, ()),
        ("In what year did Oster Mill close?", Kind.TIME, ("year",)),
        ("How many wheels does Oster Mill have?", Kind.NUMBER, ("wheels",)),
        ("How old was Ida Sommer when she married?", Kind.NUMBER, ("old",)),
        ("What is the population of Weddern?", Kind.NUMBER, ("population",)),
        ("In what county is Weddern?", Kind.LOCATION, ("county",)),
        ("Which society gives the prize?", Kind.THING, ("society",)),
        ("What is the name of the band that Ida Sommer founded?", Kind.THING, ("band",)),
        ("Was Ida Sommer born in Weddern?", Kind.YES_NO, ()),
        ("Which opened first, Oster Mill or Talle Kiln?", Kind.CHOICE, ()),
        ("Jakob Brandt is the father of which Danish actress?", Kind.PERSON, ("danish", "actress")),
        ("The mill was sold by its owner to whom?", Kind.PERSON, ()),
        ("Which actors played in Oster Mill?", Kind.LIST, ("actors",)),
    ],
)
def test_what_is_asked_for(question: str, kind: Kind, noun: tuple[str, ...]) -> None:
    reading = read(question)
    assert (reading.kind, reading.noun) == (kind, noun)


@pytest.mark.parametrize(
    ("question", "heads", "asked"),
    [
        ("Where was the builder of Oster Mill born?", {1: "builder"}, {"born"}),
        ("What is the population of the state where Oster Mill is located?", {1: "state", 2: "located"}, {"popul"}),
        ("Who taught drawing to the painter of The Long Ebb?", {1: "painter"}, {"taught", "draw"}),
        ("When did the country that Ida Sommer left join the league?", {1: "country", 2: "left"}, {"join", "leagu"}),
        ("What is the name of the mill in the town where Ida Sommer lives?", {1: "town"}, {"mill"}),
        ("In what county is the town where Ida Sommer was born?", {1: "town"}, {"count"}),
        ("What country was the author of The Long Ebb a citizen of?", {1: "author", 2: "citizen"}, {"countr"}),
        ("When was the old mill built in the town where Ida Sommer died?", {1: "town"}, {"built"}),
        ("Where did the band form that made Oster Mill?", {1: "band"}, {"form"}),
        ("What river flows through the town Ida Sommer came from?", {1: "town"}, {"river", "flow"}),
        ("When did the country containing Weddern leave the league?", {1: "country"}, {"leav", "leagu"}),
        ("Which region is Ida Sommer's city of birth located in?", {1: "city"}, {"region", "locat"}),
        ("Which town is the capital of Weddern?", {}, {"town", "capit"}),
    ],
)
def test_steps_lead_inwards(question: str, heads: dict[int, str], asked: set[str]) -> None:
    reading = read(question)
    assert reading.heads == heads
    assert {root for root, depth in reading.depths.items() if depth == 0} == asked


@pytest.mark.parametrize(
    ("question", "beside"),
    [
        ("When did Talle Kiln open in the town where Oster Mill is located?", ["Talle Kiln"]),
        ("Who did Ida Sommer's team play in the Weddern Cup?", ["Weddern Cup"]),
        ("Where was the builder of Oster Mill born?", []),
        ("Who built Oster Mill?", []),
    ],
)
def test_names_of_the_last_step_stand_beside_it(question: str, beside: list[str]) -> None:
    assert [question[slice(*name)] for name in read(question).beside] == beside


def test_names_and_options_are_spans_of_the_question() -> None:
    reading = read('Who sang "Night of the Mill" first, Ida Sommer or Jakob Brandt?')
    assert reading.names_text() == ("Night of the Mill", "Ida Sommer", "Jakob Brandt")
    assert reading.options == ("Ida Sommer", "Jakob Brandt")


@given(st.text(max_size=200))
def test_anything_can_be_read(text: str) -> None:
    reading = read(text)
    assert all(depth >= 0 for depth in reading.depths.values())
    assert all(0 <= start < end <= len(text) for start, end in reading.names)


@pytest.mark.parametrize(("noun", "one"), [("cities", "city"), ("churches", "church"), ("bus", "bus"), ("men", "man")])
def test_nouns_have_a_singular(noun: str, one: str) -> None:
    assert singular(noun) == one


def test_a_county_is_no_count() -> None:
    assert (kind_of_noun("county"), kind_of_noun("count")) == (Kind.LOCATION, Kind.NUMBER)
