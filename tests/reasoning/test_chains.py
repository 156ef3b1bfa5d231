"""Chains that a person reads."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contracts.reasoning import CHAIN_CHARACTERS
from reasoning.chains import chain_of, without_repeats
from reasoning.results import Step


def step(found: str, title: str = "Oster Mill") -> Step:
    return Step("person", found, f"{found} stands here.", title, "doc", "chunk", 0, 10)


def test_a_chain_names_what_each_step_found_and_where() -> None:
    steps = [step("Jakob\nBrandt"), step("Weddern", "Jakob Brandt")]
    assert (
        chain_of(steps, "Weddern", worked_out=False)
        == "question -> Jakob Brandt (Oster Mill) -> Weddern (Jakob Brandt)"
    )


def test_values_that_an_answer_follows_from_stand_side_by_side() -> None:
    steps = [step("1731"), step("1802", "")]
    assert chain_of(steps, "Oster Mill", worked_out=True) == "question -> 1731 (Oster Mill); 1802 (doc) -> Oster Mill"


@given(st.lists(st.sampled_from(["Weddern", "weddern ", "Linde", "Mill"])))
def test_nothing_stands_twice_in_a_row(found: list[str]) -> None:
    kept = [" ".join(one.found.lower().split()) for one in without_repeats([step(text) for text in found])]
    assert all(one != following for one, following in pairwise(kept))
    assert set(kept) == {" ".join(text.lower().split()) for text in found}


def test_a_chain_fits_into_its_event() -> None:
    chain = chain_of([step("x" * 900, "T" * 1000) for _ in range(12)], "x", worked_out=False)
    assert len(chain) == CHAIN_CHARACTERS
