"""From ranked passages to an answer, without a database: the town of `town.py`, and small worlds of a few sentences."""

import pytest

from contracts.reasoning import ANSWER_CHARACTERS
from projections.vector.reads import Hit
from reasoning.answer import Found, answer_of
from reasoning.answering.features import FEATURES
from reasoning.index import Index
from reasoning.path_ranking import rank
from tests.reasoning.town import TOWN, index_of

QUESTION = "Who is mayor of the town where the writer of The Glass Lantern grew up?"
NEAR = [Hit("lantern", 0.6), Hit("voss", 0.4), Hit("orlinga", 0.3), Hit("bread", 0.1)]
WORLD = {
    "mill": (
        "Oster Mill",
        "Oster Mill is a watermill on the River Linde. It was built in 1731 by Jakob Brandt and closed in 1904. It has "
        "four wheels.",
    ),
    "brandt": ("Jakob Brandt", "Jakob Brandt (1698-1767) was a German millwright. He was born in Weddern."),
    "kiln": ("Talle Kiln", "Talle Kiln is a lime kiln in Weddern, built in 1802 by Ida Sommer. It closed in 1880."),
    "sommer": (
        "Ida Sommer",
        "Ida Sommer (1770-1851) was a Danish engineer. She married the painter Emil Krag in 1799.",
    ),
}


def found(town: dict[str, tuple[str, str]], question: str, near: list[Hit] | None = None) -> Found:
    """With nothing from a search by words; all alike near unless told."""
    index: Index = index_of(town)
    ranking = rank(index, question, near or [Hit(key, 0.5) for key in town], [])
    return answer_of(index, question, ranking, ranking.best(10))


def test_a_question_of_three_hops_is_answered_by_a_span() -> None:
    answer = found(TOWN, QUESTION, NEAR)
    assert answer.text == "Hanno Brill"
    assert [support.value for support, _ in answer.path.supports] == ["Mirela Voss", "Orlinga", "Hanno Brill"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who built Oster Mill?", "Jakob Brandt"),
        ("By whom was Talle Kiln built?", "Ida Sommer"),
        ("When was Oster Mill built?", "1731"),
        ("In what year did Talle Kiln close?", "1880"),
        ("Where was the builder of Oster Mill born?", "Weddern"),
        ("How many wheels does Oster Mill have?", "four"),
        ("On which river does Oster Mill lie?", "River Linde"),
        ("Whom did the builder of Talle Kiln marry?", "Emil Krag"),
        ("When did the builder of Oster Mill die?", "1767"),
        ("Which was built first, Oster Mill or Talle Kiln?", "Oster Mill"),
        ("Which closed later, Oster Mill or Talle Kiln?", "Oster Mill"),
        ("Who was born later, Jakob Brandt or Ida Sommer?", "Ida Sommer"),
        ("Who lived longer, Jakob Brandt or Ida Sommer?", "Ida Sommer"),
        ("Was Oster Mill built before Talle Kiln was built?", "yes"),
        ("Was Oster Mill built after Talle Kiln was built?", "no"),
        ("Did Ida Sommer build Talle Kiln?", "yes"),
        ("Was Jakob Brandt born in Talle?", "no"),
        ("Are Jakob Brandt and Ida Sommer both German?", "no"),
        ("How many years after Oster Mill was built was Talle Kiln built?", "71"),
        ("Who was Jakob Brandt?", "a German millwright"),
        ("What is Talle Kiln?", "a lime kiln in Weddern, built in 1802 by Ida Sommer"),
    ],
)
def test_each_kind_of_question_has_its_answer(question: str, expected: str) -> None:
    answer = found(WORLD, question)
    assert answer.text == expected
    assert 0.0 < answer.confidence <= 1.0


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("Who owns Oster Mill?", "own"),
        ("How tall is Oster Mill?", "tall"),
        ("Who built Verden Castle?", "Verden Castle"),
        ("When was Emil Krag born?", "Emil Krag"),
        ("Is Emil Krag a singer?", "singer"),
    ],
)
def test_what_cannot_be_answered_is_declined_with_what_is_missing(question: str, missing: str) -> None:
    answer = found(WORLD, question)
    assert (answer.text, answer.confidence, answer.passages) == (None, 0.0, ())
    assert answer.missing is not None and missing in answer.missing


def test_without_passages_there_is_no_answer() -> None:
    index = index_of(WORLD)
    ranking = rank(index, QUESTION, [], [])
    assert answer_of(index, QUESTION, ranking, []).text is None


def test_every_span_stands_in_its_passage() -> None:
    for question in ("Who built Oster Mill?", "Where was the builder of Oster Mill born?", "What is Talle Kiln?"):
        for support, _ in found(WORLD, question).path.supports:
            passage = support.sentence.passage
            assert passage.text[support.start : support.end] == support.value
            assert support.sentence.start <= support.start < support.end <= support.sentence.end


def test_contradicting_passages_are_both_candidates() -> None:
    world = {**WORLD, "other": ("Oster Mill (history)", "Oster Mill was built in 1745 by Jakob Brandt.")}
    answer = found(world, "When was Oster Mill built?")
    assert {other.span.text for other in answer.others} >= {"1731", "1745"}
    assert sum(other.share for other in answer.others) <= 1.0 + 1e-9
    assert [other.share for other in answer.others] == sorted((other.share for other in answer.others), reverse=True)


def test_an_answer_fits_into_its_event_whatever_the_text_is() -> None:
    """A passage of one endless word is one token to an embedder, however long it is."""
    town = {"endless": ("T" * 1024, "x" * 2_000_000), "voss": ("V" * 1024, "Mirela Voss wrote " + "y" * 2_000_000)}
    answer = found(town, "What did Mirela Voss write?", [Hit("voss", 0.9), Hit("endless", 0.8)])
    assert answer.text is None or len(answer.text) <= ANSWER_CHARACTERS


def test_what_the_question_names_itself_is_no_answer() -> None:
    archive = {"late": ("Late arrival", "# Late arrival\n\nMira Voss founded the Oslo Archive in 1931.")}
    assert found(archive, "Who founded the Oslo Archive?").text == "Mira Voss"
    assert found(archive, "What did Mira Voss found?").text == "Oslo Archive"


def test_a_question_that_names_nothing_is_not_declined_for_it() -> None:
    letters = {
        f"letter-{number}": (
            f"{person} of Greywater",
            f"{person} was born in Greywater in 18{number}1. In 1901 {person} restored the bridge of Tollgate. "
            f"{other} wrote letter {number} about it.",
        )
        for number, person, other in ((6, "Ada Fairfax", "Hugo Ingram"), (7, "Felix Birkett", "Iris Hartley"))
    }
    near = [Hit("letter-7", 0.6), Hit("letter-6", 0.5)]
    assert found(letters, "Who wrote letter 7?", near).text == "Iris Hartley"


def test_who_does_it_is_told_from_what_it_is_done_to() -> None:
    engine = {"ada": ("Ada Lovelace", "Ada Lovelace wrote the first program for the Analytical Engine.")}
    assert found(WORLD | engine, "Who wrote the first program?").text == "Ada Lovelace"


def test_a_step_is_not_asked_of_what_stands_in_the_last_one() -> None:
    towns = {
        "club": (
            "Verden Harriers",
            "Verden Harriers is a club. It opened a track in Weddern in 1901 and in Talle in 1950.",
        ),
        "school": ("Moor School", "Moor School lies in Talle, near the sea."),
        "talle": ("Talle", "Talle is a town."),
        "weddern": ("Weddern", "Weddern is a town."),
    }
    answer = found(towns, "When did Verden Harriers open a track in the town where Moor School lies?")
    assert next(support.value for support, _ in answer.path.supports) == "Talle"
    assert answer.text == "1950"


def test_a_short_name_stands_for_the_full_one() -> None:
    society = {
        "society": (
            "Weddern Society",
            "The Weddern Society was founded in 1902. George Amos Hale drew its plan. Hale led the society.",
        ),
    }
    assert found(society, "Who led the Weddern Society?").text == "George Amos Hale"


def test_no_feature_is_there_twice() -> None:
    assert len(set(FEATURES)) == len(FEATURES)


TOWNS = {
    "linde": ("Linde", "The Linde is a river of the north."),
    "weddern": ("Weddern", "Weddern is a town on the Linde."),
    "talle": ("Talle", "Talle is a town on the Linde, near the sea."),
    "moor": ("Moor", "Moor is a town in the hills."),
    "brandt": ("Jakob Brandt", "Jakob Brandt built the mills Oster Mill, Wester Mill and Nether Mill."),
}


@pytest.mark.parametrize(
    ("question", "values", "text"),
    [
        ("Which towns lie on the Linde?", {"Weddern", "Talle"}, None),
        ("List all towns on the Linde.", {"Weddern", "Talle"}, None),
        ("How many towns are on the Linde?", {"Weddern", "Talle"}, "2"),
        ("Which mills did Jakob Brandt build?", {"Oster Mill", "Wester Mill", "Nether Mill"}, None),
        ("How many mills did Jakob Brandt build?", {"Oster Mill", "Wester Mill", "Nether Mill"}, "3"),
    ],
)
def test_lists_and_counts_are_worked_out_from_values_that_are_shown(
    question: str, values: set[str], text: str | None
) -> None:
    answer = found(TOWNS, question)
    assert {support.value for support, _ in answer.path.supports} == values
    assert answer.text is not None and 0.0 < answer.confidence <= 0.5
    assert answer.text == text if text else all(value in answer.text for value in values)
    for support, _ in answer.path.supports:
        assert support.sentence.passage.text[support.start : support.end] == support.value


def test_a_number_that_a_text_says_is_not_counted() -> None:
    said = {**TOWNS, "count": ("Linde towns", "Five towns lie on the Linde.")}
    assert found(said, "How many towns lie on the Linde?").text == "Five"
