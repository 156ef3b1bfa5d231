"""Forty questions on the articles of `examples/`, written before the code that answers them, and those of the demo."""

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from reasoning.embedder import OneEmbedder
from reasoning.engine import Reasoner
from reasoning.evaluation import exact_match
from reasoning.results import Answer
from tests.reasoning.examples import articles
from tests.reasoning.town import TENANT, TownEmbedder, TownReaders

QUESTIONS = [
    json.loads(line) for line in Path(__file__).with_name("example_questions.jsonl").read_text("utf-8").splitlines()
]
DEMO = {
    "Who designed Skerry Point Lighthouse?": "Ines Marlowe",
    "Where was the designer of Skerry Point Lighthouse born?": "Brennick",
    "Who founded the institute where Ines Marlowe studied?": "Tobias Renn",
}
SURE = 0.8


Answered: TypeAlias = list[tuple[dict[str, Any], Answer]]


@pytest.fixture(scope="module")
def asked(embedder: TownEmbedder) -> Answered:
    """All of them, once."""
    readers = TownReaders(embedder, articles())
    engine = Reasoner(readers, readers, OneEmbedder(embedder))

    async def ask() -> Answered:
        return [(question, await engine.ask(TENANT, question["question"])) for question in QUESTIONS]

    return asyncio.run(ask())


def test_most_are_right_none_is_surely_wrong_and_what_cannot_be_answered_is_declined(asked: Answered) -> None:
    assert len(asked) == 40
    right = [exact_match(answer.answer, question["answers"]) == 1.0 for question, answer in asked]
    wrong = [
        (q["question"], a.answer, a.confidence) for (q, a), is_right in zip(asked, right, strict=True) if not is_right
    ]
    assert sum(right) >= 34, wrong
    assert [surely for surely in wrong if surely[2] > SURE] == []
    unanswerable = [answer for question, answer in asked if not question["answers"]]
    assert sum(answer.answer is None for answer in unanswerable) >= 8
    assert all(answer.missing for _, answer in asked if answer.answer is None)


def test_nothing_contradicts_the_answers(asked: Answered) -> None:
    """No two of the examples' articles say different things of one thing."""
    told = {q["question"]: [one.answer for one in a.candidates if one.contradicts] for q, a in asked}
    assert {question: contradicting for question, contradicting in told.items() if contradicting} == {}


async def test_the_demos_questions_are_answered_by_spans_with_the_steps_that_lead_there(embedder: TownEmbedder) -> None:
    readers = TownReaders(embedder, articles())
    engine = Reasoner(readers, readers, OneEmbedder(embedder))
    for question, expected in DEMO.items():
        answer = await engine.ask(TENANT, question)
        assert answer.answer == expected
        assert answer.steps[-1].found == expected and expected in answer.steps[-1].sentence
        found = [step.found for step in answer.steps]
        assert all(one != next_one for one, next_one in pairwise(found))
        texts = {source.document_id: source for source in answer.sources}
        for step in answer.steps:
            source = texts[step.document_id]
            assert source.text[step.start - source.start : step.end - source.start] == step.sentence
    assert [step.found for step in (await engine.ask(TENANT, list(DEMO)[1])).steps] == ["Ines Marlowe", "Brennick"]
