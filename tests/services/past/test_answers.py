"""Answers of two generations are compared by whoever answers questions."""

from types import SimpleNamespace
from typing import cast

from projections.relational.differences import GenerationDifferences
from services.caller import Caller
from services.deadline import Deadline
from services.past.answers import CompareAnswers
from services.past.differences import Compare
from services.reasoning.interface import EmbeddingRequest, EmbeddingResponse, ReasoningMetadata
from services.reasoning.interface import ReasoningQueryRequest as Request
from services.reasoning.interface import ReasoningQueryResponse as Response
from tests.services.past.making import CALLER, soon


class Elsewhere:
    """The reasoning service, as it is behind an address."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    async def query(self, caller: Caller, request: Request, deadline: Deadline) -> Response:
        self.asked.append((request.query, request.at))
        told = ReasoningMetadata(str(request.query_id), "", False, False, "", {})
        answer = "Ada" if request.query == "Who?" and request.at == "live" else "Bob"
        return Response(answer, 0.5, (), (), told)

    async def embed(self, caller: Caller, request: EmbeddingRequest, deadline: Deadline) -> EmbeddingResponse:
        raise AssertionError


class Sides:
    async def side(self, name: str, deadline: Deadline) -> SimpleNamespace:
        return SimpleNamespace(position=len(name), schema="s")

    async def last_of_documents(self, *_: object) -> None:
        return None


async def test_questions_go_to_the_reasoning_service() -> None:
    """Which has the models; of the live one by its name, so that nothing is recorded."""
    reasoning = Elsewhere()
    comparing = CompareAnswers(cast(Compare, Sides()), cast(GenerationDifferences, None), reasoning)
    found = await comparing.answers(CALLER, "monday", "live", ["Who?", "What?"], last=1, deadline=soon())
    assert reasoning.asked == [(question, at) for question in ("Who?", "What?") for at in ("monday", "live")]
    assert [(one.question, one.one, one.other) for one in found.differences] == [("Who?", "Bob", "Ada")]
