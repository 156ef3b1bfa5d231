"""What a text says of a person, and which documents mean one by the same name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.matching.described import Described, described
from aggregates.matching.features import features_of
from aggregates.matching.homonyms import Naming, may_be_homonym, tell_apart

ANY = st.builds(
    Described,
    st.frozensets(st.sampled_from(["sport", "arts", "science"]), max_size=2),
    st.frozensets(st.sampled_from([1801, 1802, 1950]), max_size=1),
)
NAMINGS = st.lists(
    st.builds(
        lambda said, beside, angle: (said, beside, [np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)]),
        ANY,
        st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=2),
        st.floats(0, 3),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("Senator Ada Hall spoke.", {"politics"}),
        ("The singer and actor Ada Hall came.", {"arts"}),
        ("Ada Hall, a British chemist from Leeds, came.", {"science"}),
        ("Ada Hall (born 1950), the former footballer, came.", {"sport"}),
        ("Ada Hall (footballer) came.", {"sport"}),
        ("Ada Hall was an American gymnast, actress and mayor.", {"sport", "arts", "politics"}),
        ("The court's judge, Ada Hall, came.", {"politics"}),
        ("Ada Hall, who was a baker in Ulm, came.", {"trade"}),
        ("Ada Hall sang.", {"arts"}),
        ("Ada Hall won the cup.", {"sport"}),
        ("Ada Hall won an election.", set()),
        ("Ada Hall was not a potter.", set()),
        ("Ada Hall was the wife of a senator.", set()),
        ("Ada Hall, the daughter of the chemist, came.", set()),
        ("The chemist came. Ada Hall did not.", set()),
        ("Pete Baker Ada Hall", set()),
        ("Ada Hall, Senator Bob and the chemist came.", set()),
        ("The chemist Ada Hallett came.", set()),
        ("McAda Hall was a chemist.", set()),
    ],
)
def test_the_field_that_is_said_is_found(text: str, fields: set[str]) -> None:
    assert described(text, "Ada Hall").fields == fields


@pytest.mark.parametrize(
    ("brackets", "born"),
    [
        ("(born 1950)", {1950}),
        ("(born 3 May 1950 in Hull)", {1950}),
        ("(1801-1870)", {1801}),
        ("(12 March 1801 \u2013 1 June 1870)", {1801}),
        ("(March 12, 1801 - June 1, 1870)", {1801}),
        ("(died 1870)", set()),
        ("(see page 1801)", set()),
        ("(12 goals)", set()),
        ("(2004)", set()),
        ("(1961-1963)", set()),
        ("(reigned 1801-1870)", set()),
    ],
)
def test_the_year_of_birth_that_is_said_is_found(brackets: str, born: set[int]) -> None:
    assert described(f"Ada Hall {brackets} came.", "Ada Hall").born == born


@given(st.text(max_size=200), st.text(min_size=1, max_size=5))
def test_any_text_may_say_anything(text: str, name: str) -> None:
    described(text, name)


@given(ANY, ANY)
def test_nobody_is_denied_by_himself_and_denial_is_mutual(one: Described, other: Described) -> None:
    assert not one.denies(one)
    assert one.denies(other) == other.denies(one)


@given(NAMINGS, st.randoms())
def test_the_order_does_not_matter_and_the_largest_side_keeps_the_name(
    said: list[tuple[Described, frozenset[str], list[np.ndarray]]], random: object
) -> None:
    namings = [Naming(f"d{number}", *one) for number, one in enumerate(said)]
    told = tell_apart("e", namings)
    shuffled = list(namings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert tell_apart("e", shuffled) == told
    assert told.keys() == {one.document_id for one in namings}
    assert "e" in {meant.entity_id for meant in told.values()}


@pytest.mark.parametrize(
    ("name", "group", "may"),
    [
        ("John Smith", "person", True),
        ("Smith", "person", False),
        ("J. Smith", "person", False),
        ("London", "place", False),
        ("Delta", "organisation", False),
    ],
)
def test_whole_names_of_people_alone_are_told_apart(name: str, group: str, may: bool) -> None:
    assert may_be_homonym(features_of(name, group)) is may
