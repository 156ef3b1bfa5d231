"""What a sentence denies, only thinks possible or tells as somebody's word is no plain answer. Given sentences of a
document, when a question is asked, then what is plainly told answers it, and what is denied never does."""

import pytest

from reasoning.answer import Found
from reasoning.answering.denial import DOUBTED
from tests.reasoning.test_answer import found

ASKED = "Who designed Oster Mill?"
PLAIN = "Oster Mill was designed by Jakob Rask."
DENIED = [
    "Ada Brandt did not design Oster Mill.",
    "Ada Brandt didn't design Oster Mill.",
    "Ada Brandt didn\u2019t design the old Oster Mill.",
    "Ada Brandt never designed Oster Mill.",
    "Oster Mill was not designed by Ada Brandt.",
    "Oster Mill was never designed by the engineer Ada Brandt.",
    "Neither Ada Brandt nor Ida Sommer designed Oster Mill.",
    "Ada Brandt refused to design Oster Mill.",
    "Ada Brandt failed to design Oster Mill.",
    "Ada Brandt denied that she designed Oster Mill.",
    "Ada Brandt denied designing Oster Mill.",
    "Ada Brandt avoided designing Oster Mill.",
    "It is false that Ada Brandt designed Oster Mill.",
    "There is no evidence that Ada Brandt designed Oster Mill.",
    "Ada Brandt, who did not design Oster Mill, lived in Weddern.",
    "Ada Brandt was not the designer of Oster Mill.",
    "The designer of Oster Mill was not Ada Brandt.",
    "It was not Ada Brandt who designed Oster Mill.",
    "Ada Brandt cannot have designed Oster Mill.",
]
DOUBTFUL = [
    "Ada Brandt may have designed Oster Mill.",
    "Oster Mill might have been designed by Ada Brandt.",
    "Oster Mill could have been designed by Ada Brandt.",
    "Ada Brandt will design Oster Mill.",
    "Perhaps Ada Brandt designed Oster Mill.",
    "Ada Brandt allegedly designed Oster Mill.",
    "Ada Brandt is said to have designed Oster Mill.",
    "Oster Mill is believed to have been designed by Ada Brandt.",
    "Ida Sommer says that Ada Brandt designed Oster Mill.",
    "Ida Sommer claimed Ada Brandt designed Oster Mill.",
    "According to Ida Sommer, Ada Brandt designed Oster Mill.",
    "Ada Brandt designed Oster Mill, says Ida Sommer.",
    "Ada Brandt wanted to design Oster Mill.",
    "If Ada Brandt designed Oster Mill, it is old.",
]
TOLD = [
    ("Oster Mill was designed by Jakob Rask, not by Ada Brandt.", "Jakob Rask"),
    ("Jakob Rask, not Ada Brandt, designed Oster Mill.", "Jakob Rask"),
    ("Oster Mill was designed by Jakob Rask rather than Ada Brandt.", "Jakob Rask"),
    ("Oster Mill was not designed by Ada Brandt but by Jakob Rask.", "Jakob Rask"),
    ("Not only Ada Brandt designed Oster Mill.", "Ada Brandt"),
    ("Ada Brandt was not the first to design Oster Mill.", "Ada Brandt"),
    ("Oster Mill was not designed until Ada Brandt came.", "Ada Brandt"),
    ("Ada Brandt did not marry and designed Oster Mill.", "Ada Brandt"),
    ("Ada Brandt did not fail to design Oster Mill.", "Ada Brandt"),
    ("It was not long before Ada Brandt designed Oster Mill.", "Ada Brandt"),
    ("Ada Brandt, who was denied a pension and designed Oster Mill, was old.", "Ada Brandt"),
    ("Ada Brandt was denied what those who designed Oster Mill got.", "Ada Brandt"),
    ("There is no doubt that Ada Brandt designed Oster Mill.", "Ada Brandt"),
    ("Never Let Me Go was a play of Ada Brandt, who designed Oster Mill.", "Ada Brandt"),
]


def told(*sentences: str, question: str = ASKED) -> Found:
    """Of a passage of these sentences, and another one."""
    town = {"mill": ("Oster Mill", " ".join(sentences)), "weddern": ("Weddern", "Weddern is a town on the Linde.")}
    return found(town, question)


def names(answer: Found) -> set[str]:
    """All that may answer."""
    return {other.span.text for other in answer.others}


@pytest.mark.parametrize("sentence", DENIED)
def test_what_is_denied_is_no_answer(sentence: str) -> None:
    answer = told(sentence)
    assert answer.text is None and answer.missing
    assert "Ada Brandt" not in names(answer)


@pytest.mark.parametrize("sentence", DENIED + DOUBTFUL)
@pytest.mark.parametrize("first", [True, False])
def test_a_plain_sentence_beside_it_wins(sentence: str, first: bool) -> None:
    answer = told(*((PLAIN, sentence) if first else (sentence, PLAIN)))
    assert answer.text == "Jakob Rask"
    assert [support.value for support, _ in answer.path.supports] == ["Jakob Rask"]


@pytest.mark.parametrize("sentence", DOUBTFUL)
def test_a_plain_sentence_that_is_worded_worse_wins_too(sentence: str) -> None:
    assert told(sentence, "Jakob Rask designed Oster Mill.").text == "Jakob Rask"


@pytest.mark.parametrize("sentence", DOUBTFUL)
def test_what_is_only_said_or_possible_is_no_sure_answer(sentence: str) -> None:
    answer = told(sentence)
    assert answer.text is None or answer.confidence <= DOUBTED


@pytest.mark.parametrize(("sentence", "expected"), TOLD)
def test_a_negation_of_something_else_denies_nothing(sentence: str, expected: str) -> None:
    assert told(sentence).text == expected


@pytest.mark.parametrize(
    ("sentence", "question", "expected"),
    [
        ("Ada Brandt did not design Oster Mill.", "Who did not design Oster Mill?", "Ada Brandt"),
        ("Ida Sommer designed Oster Mill but not Talle Kiln.", "Who did not design Oster Mill?", None),
        ("Ida Sommer designed Oster Mill, not Talle Kiln.", "Who did not design Oster Mill?", None),
        ("Ida Sommer designed Oster Mill.", "Who did not design Oster Mill?", None),
        ("Ada Brandt designed Talle Kiln but not Oster Mill.", "Who did not design Oster Mill?", "Ada Brandt"),
        ("Ada Brandt refused to design Oster Mill.", "Who did not design Oster Mill?", "Ada Brandt"),
        ("Oster Mill was designed by Ida Sommer, not by Ada Brandt.", "Who did not design Oster Mill?", "Ada Brandt"),
        (
            "Oster Mill was not designed by Ada Brandt but by Ida Sommer.",
            "Who did not design Oster Mill?",
            "Ada Brandt",
        ),
        ("Oster Mill was not built in 1731.", "When was Oster Mill built?", None),
        ("Oster Mill was not built in 1731 but in 1802.", "When was Oster Mill built?", "1802"),
        ("Oster Mill was not opened until 1731.", "When was Oster Mill opened?", "1731"),
        ("Oster Mill has no fewer than 12 wheels.", "How many wheels does Oster Mill have?", "12"),
        ("Oster Mill does not lie in Orlinga.", "In which town does Oster Mill lie?", None),
        ("Ada Brandt did not design Oster Mill.", "Did Ada Brandt design Oster Mill?", "no"),
        (PLAIN, "Did Jakob Rask design Oster Mill?", "yes"),
        ("Oster Mill was designed by Jakob Rask, not by Ada Brandt.", "Did Ada Brandt design Oster Mill?", "no"),
        ("Ada Brandt may have designed Oster Mill.", "Did Ada Brandt design Oster Mill?", None),
        ("Oster Mill is not a lighthouse.", "What is Oster Mill?", None),
    ],
)
def test_other_kinds_of_questions(sentence: str, question: str, expected: str | None) -> None:
    answer = told(sentence, question=question)
    assert answer.text == expected or (expected is not None and expected in (answer.text or ""))


def test_what_a_census_counts_is_told_plainly() -> None:
    said = "The population of Oster Mill was 512 people according to {}."
    question = "What was the population of Oster Mill?"
    counted = told(said.format("the census of 1910"), question=question)
    claimed = told(said.format("the miller Ada Brandt"), question=question)
    assert "512" in (counted.text or "") and "512" in (claimed.text or "")
    assert claimed.confidence == min(DOUBTED, counted.confidence) and counted.confidence > DOUBTED


def test_no_step_leads_through_what_is_denied() -> None:
    town = {
        "mill": ("Oster Mill", "Ada Brandt did not design Oster Mill. Jakob Rask designed Oster Mill in 1731."),
        "ada": ("Ada Brandt", "Ada Brandt was an engineer. She was born in Orlinga."),
        "rask": ("Jakob Rask", "Jakob Rask was an engineer. He was born in Weddern."),
    }
    answer = found(town, "Where was the designer of Oster Mill born?")
    assert answer.text == "Weddern"
    assert [support.value for support, _ in answer.path.supports] == ["Jakob Rask", "Weddern"]
    del town["rask"]
    town["mill"] = ("Oster Mill", "Ada Brandt did not design Oster Mill.")
    answer = found(town, "Where was the designer of Oster Mill born?")
    assert answer.text is None
    assert "Ada Brandt" not in [support.value for support, _ in answer.path.supports]


def test_what_is_denied_is_no_entry_of_a_list_and_decides_no_choice() -> None:
    town = {
        "one": ("Orlinga", "Orlinga is a town. It lies on the River Linde."),
        "two": ("Weddern", "Weddern is a town. It lies on the River Linde."),
        "three": ("Talle", "Talle is a town. It does not lie on the River Linde."),
    }
    assert found(town, "Which towns lie on the River Linde?").text == "Orlinga and Weddern"
    town["four"] = ("Rask", "Rask is a town. It does not lie on the River Linde.")
    assert found(town, "Which towns do not lie on the River Linde?").text == "Talle and Rask"
    mills = {
        "one": ("Oster Mill", "Oster Mill was not built in 1731. It was built in 1850."),
        "two": ("Talle Kiln", "Talle Kiln was built in 1802."),
    }
    assert found(mills, "Which was built first, Oster Mill or Talle Kiln?").text == "Talle Kiln"
