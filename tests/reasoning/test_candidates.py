"""Which parts of a sentence may answer, and what they are the name of."""

import pytest

from reasoning.answering.candidates import NAME, candidates
from reasoning.answering.name_types import without_land
from reasoning.words import words_of


def names(sentence: str) -> set[str]:
    found = candidates(sentence, 0, len(sentence), list(words_of(sentence)), phrases=False)
    return {sentence[span.start : span.end] for span in found if span.kind == NAME}


@pytest.mark.parametrize(
    ("sentence", "there", "not_there"),
    [
        ("It was signed by President Edmund Voss.", {"President Edmund Voss", "Edmund Voss"}, set()),
        ("She is Hon. Mira Voss of the Forum for Trade.", {"Hon. Mira Voss", "Mira Voss", "Forum"}, set()),
        ("The English author Mira Voss came.", {"Mira Voss"}, set()),
        (
            "A diocese of the Ecclesiastical Province of Tarrow of the Anglican Church of Tarrow.",
            {"Anglican Church of Tarrow", "Anglican Church", "Tarrow"},
            set(),
        ),
        ("It lies near Tarrow International Airport.", {"Tarrow International Airport"}, {"International Airport"}),
    ],
)
def test_a_name_is_looked_at_without_its_titles_and_in_parts_that_are_names(
    sentence: str, there: set[str], not_there: set[str]
) -> None:
    found = names(sentence)
    assert there <= found
    assert not not_there & found


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Wisconsin, United States", ("wisconsin",)),
        ("Dodge County, Wisconsin", ("dodge", "county")),
        ("Orlinga", ("orlinga",)),
    ],
)
def test_a_location_is_what_stands_before_the_land_that_it_lies_in(text: str, bare: tuple[str, ...]) -> None:
    whole = tuple(text.lower().replace(",", "").split())
    assert without_land(text, whole) == bare
