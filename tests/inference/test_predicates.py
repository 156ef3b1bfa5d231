"""One predicate, however it is worded, and its direction."""

import pytest

from inference.analysis import RelationSpan, decode
from inference.predicates import normalised
from inference.spacy_analysis import SpacyAnalyser


@pytest.mark.parametrize(
    ("label", "predicate", "reversed_"),
    [
        ("found", "found", False),
        ("establish", "found", False),
        ("founder of", "found", False),
        ("chief executive officer of", "CEO of", False),
        ("lie in", "located in", False),
        ("precede", "succeed", True),
        ("predecessor of", "succeed", True),
        ("director of", "director of", False),
        ("student of", "student of", False),
    ],
)
def test_labels(label: str, predicate: str, reversed_: bool) -> None:
    assert normalised(label) == (predicate, reversed_)


def test_what_is_normal_stays() -> None:
    for label in ("found", "CEO of", "located in", "succeed", "headquartered in", "marry", "acquire"):
        assert normalised(label) == (label, False)


def one(analyser: SpacyAnalyser, text: str) -> RelationSpan:
    (relation,) = decode(analyser.run([text])[0]).relations
    return relation


@pytest.mark.parametrize(
    "text",
    [
        "Clara Whitmore founded Meridian Airlines.",
        "Meridian Airlines was founded by Clara Whitmore.",
        "Clara Whitmore is the founder of Meridian Airlines.",
        "Clara Whitmore established Meridian Airlines.",
        "The founder of Meridian Airlines was Clara Whitmore.",
    ],
)
def test_one_fact_in_many_words(analyser: SpacyAnalyser, text: str) -> None:
    found = one(analyser, text)
    assert (found.subject.name, found.predicate, found.object.name) == ("Clara Whitmore", "found", "Meridian Airlines")
    assert (found.negated, found.modality, found.time) == (False, None, None)
    assert text[found.start : found.end].strip() and found.end <= len(text)


def test_what_is_possible_is_less_sure_than_what_is_so(analyser: SpacyAnalyser) -> None:
    plain, possible = (one(analyser, text) for text in ("Nokia bought Fiat.", "Nokia may buy Fiat."))
    assert possible.modality == "may" and possible.confidence < plain.confidence


def test_a_question_states_nothing(analyser: SpacyAnalyser) -> None:
    assert decode(analyser.run(["Did Clara Whitmore found Meridian Airlines?"])[0]).relations == ()


def test_who_becomes_something_is_it_from_then_on(analyser: SpacyAnalyser) -> None:
    became = one(analyser, "Jacinda Ardern became prime minister of New Zealand in 2017.")
    was = one(analyser, "Jacinda Ardern was prime minister of New Zealand in 2017.")
    assert (became.valid_from, became.valid_until, became.time) == ("2017", None, "in 2017")
    assert (was.valid_from, was.valid_until) == ("2017", "2017")
