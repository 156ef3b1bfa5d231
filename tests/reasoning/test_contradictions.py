"""Two documents that say different things of the same thing contradict each other; what merely differs does not."""

import pytest

from reasoning.contradictions import DOUBTED, with_contradictions
from reasoning.embedder import OneEmbedder
from reasoning.engine import Reasoner
from reasoning.results import Answer, Candidate, ScoredPassage
from tests.reasoning.town import TENANT, TownEmbedder, TownReaders

WHEN = "When was Oster Mill founded?"
MILL = "Oster Mill"
WHEELS = "How many wheels does Oster Mill have?"
WHO = "Who built Oster Mill?"


def answered(question: str, said: list[str], *, title: str = MILL, confidence: float = 0.9) -> Answer:
    """Each sentence is a document of its own, and a source. Its value is in brackets: a candidate, once; the first one
    is the answer."""
    sources: list[ScoredPassage] = []
    candidates: dict[str, Candidate] = {}
    for number, marked in enumerate(said):
        value, sentence = marked[marked.index("[") + 1 : marked.index("]")], marked.replace("[", "").replace("]", "")
        where = (f"chunk-{number}", 0, len(sentence))
        sources.append(ScoredPassage(f"doc-{number}", where[0], title, sentence, 0, len(sentence), 1.0))
        if value:
            candidates.setdefault(value, Candidate(value, 0.4, sentence, title, f"doc-{number}", *where))
    first = next(iter(candidates))
    answer = Answer(first, confidence, tuple(sources), (), "0" * 64, (), tuple(candidates.values()))
    return with_contradictions(question, answer)


def contradicting(answer: Answer) -> list[str]:
    return [one.answer for one in answer.candidates if one.contradicts]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (WHEN, ["Oster Mill was founded in [1849].", "Oster Mill was founded in [1851]."]),
        (WHEN, ["It was founded in [May 1849].", "It was established in [June 1849]."]),
        (WHEN, ["Founded in [1849], it burnt in 1860.", "Oster Mill, founded in [1851], closed."]),
        (WHEELS, ["It has [four] wheels.", "It has [5] wheels."]),
        (WHO, ["It was built by [Jakob Brandt].", "[Ida Sommer] built Oster Mill."]),
        (WHEELS, ["In 1849 it had [4] wheels.", "In 1849 it had [5] wheels."]),
    ],
)
def test_values_of_one_thing_that_differ_contradict_each_other(question: str, said: list[str]) -> None:
    answer = answered(question, said)
    assert [f"[{value}]" in said[1] for value in contradicting(answer)] == [True]
    assert answer.confidence == DOUBTED
    assert [one.documents for one in answer.candidates] == [1, 1]
    assert answered(question, said, confidence=0.3).confidence == 0.3


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (WHEN, ["Oster Mill was founded in [1849].", "It was founded on [3 May 1849]."]),
        (WHEN, ["Oster Mill was founded in [1849].", "Oster Mill was rebuilt in [1851]."]),
        (WHEN, ["Oster Mill was founded in [1849].", "Founded by Ida Sommer, it burnt in [1851]."]),
        (WHEN, ["Oster Mill was founded in [1849].", "Founded in 1849, it was founded anew in [1851]."]),
        (WHEN, ["Oster Mill was founded in [1849].", "It was founded in the [1850s]."]),
        (WHEN, ["Oster Mill was founded in [1849].", "It was founded by [Ida Sommer]."]),
        ("When was the mill founded?", ["The mill was founded in [1849].", "It was founded in [1851]."]),
        (WHEELS, ["It has [four] wheels.", "It has [about 5] wheels."]),
        (WHEELS, ["It has [four] wheels.", "It has [nine] doors."]),
        (WHEELS, ["In 1849 it had [4] wheels.", "In 1851 it had [5] wheels."]),
        (WHO, ["It was built by [Jakob Brandt].", "It was built by [Brandt]."]),
        (WHO, ["It was built by [Jakob Brandt].", "It was built for [Duke Karl]."]),
        ("Where was Oster Mill built?", ["It was built in [Weddern].", "It was built in [Denmark]."]),
    ],
)
def test_what_may_both_be_true_does_not(question: str, said: list[str]) -> None:
    answer = answered(question, said)
    assert contradicting(answer) == []
    assert answer.confidence == 0.9


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (WHO, ["It was built by [Jakob Brandt].", "Oster Mill was not built by Jakob Brandt[]."]),
        (WHO, ["It was built by [Jakob Brandt].", "Jakob Brandt did not build Oster Mill[]."]),
        (WHO, ["It was built by [Jakob Brandt].", "It was built by [Ida Sommer], not by Jakob Brandt."]),
        (WHEN, ["Oster Mill was founded in [1849].", "It was not founded in 1849[]."]),
        (WHEN, ["Oster Mill was founded in [1849].", "It was not founded in 1849 but in [1851]."]),
        (WHEELS, ["It has [four] wheels.", "It does not have 4 wheels[]."]),
    ],
)
def test_a_document_that_denies_an_answer_contradicts_it(question: str, said: list[str]) -> None:
    answer = answered(question, said)
    assert answer.confidence == DOUBTED
    denial = answer.candidates[-1]
    assert (denial.answer, denial.contradicts) == (f"not {answer.answer}", True)
    assert (denial.document_id, denial.sentence) == ("doc-1", said[1].replace("[", "").replace("]", ""))
    assert with_contradictions(question, answer) == answer
    many = [said[0]] * 3
    assert answered(question, [*many, said[1]]).confidence == 0.9


def test_what_a_document_denies_it_does_not_tell() -> None:
    answer = answered(
        WHEN, ["Oster Mill was founded in [1849].", "It was founded in [1851].", "Not in 1849[] founded."]
    )
    assert [(one.answer, one.documents) for one in answer.candidates][:2] == [("1849", 1), ("1851", 1)]
    own = "Founded in [1849], Oster Mill was not founded in 1851."
    assert contradicting(answered(WHEN, [own, own.replace("[1849]", "1849").replace("1851", "1851[]")])) == []


def test_another_thing_of_the_same_kind_contradicts_nothing() -> None:
    said = ["Oster Mill was founded in [1849].", "Talle Kiln was founded in [1851]."]
    assert contradicting(answered(WHEN, said, title="")) == []


def test_the_same_said_twice_is_borne_out_by_two() -> None:
    said = ["Oster Mill was founded in [1849].", "In [1849] Oster Mill was founded."]
    answer = answered(WHEN, said)
    assert [(one.answer, one.documents) for one in answer.candidates] == [("1849", 2)]
    assert (contradicting(answer), answer.confidence) == ([], 0.9)


@pytest.mark.parametrize(
    ("times", "others", "confidence"), [(2, 1, DOUBTED), (3, 1, 0.9), (3, 2, DOUBTED), (4, 2, 0.9)]
)
def test_clearly_more_documents_keep_an_answer_sure(times: int, others: int, confidence: float) -> None:
    said = ["Oster Mill was founded in [1849]."] * times + ["It was founded in [1851]."] * others
    answer = answered(WHEN, said)
    assert contradicting(answer) == ["1851"]
    assert [one.documents for one in answer.candidates] == [times, others]
    assert answer.confidence == confidence


def test_an_answer_that_most_documents_contradict_is_doubted() -> None:
    said = ["Oster Mill was founded in [1849].", *["It was founded in [1851]."] * 4]
    assert answered(WHEN, said).confidence == DOUBTED


async def test_an_answer_of_the_engine_tells_what_contradicts_it(embedder: TownEmbedder) -> None:
    town = {
        "guide": ("Oster Mill", "Oster Mill is a watermill on the Linde. It was founded in 1849 by Ida Sommer."),
        "history": ("History of Oster Mill", "Oster Mill was founded in 1851, as its records tell."),
        "kiln": ("Talle Kiln", "Talle Kiln is a lime kiln in Weddern. It was founded in 1802."),
    }
    readers = TownReaders(embedder, town)
    answer = await Reasoner(readers, readers, OneEmbedder(embedder)).ask(TENANT, WHEN)
    assert {answer.answer, *contradicting(answer)} == {"1849", "1851"}
    assert answer.confidence <= DOUBTED
