"""The same questions, asked of two generations: whose answers differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.event_types import CONTENT_TYPES
from projections.relational.differences import GenerationDifferences
from services.caller import Caller
from services.deadline import Deadline
from services.past.differences import DOCUMENT_TYPES, Compare, MadeBy
from services.reasoning.interface import Reasoning, ReasoningQueryRequest, ReasoningQueryResponse

MOST_QUESTIONS = 50
SOURCES = 5


@dataclass(frozen=True, slots=True)
class AnswerDifference:
    """Both answers, with their confidence; None where there is none. `made_by`: the last event between, of a document
    that either rests on.
    """

    question: str
    one: str | None
    other: str | None
    one_confidence: float
    other_confidence: float
    made_by: MadeBy | None


@dataclass(frozen=True, slots=True)
class AnswerDifferences:
    """Of `asked` questions, those whose answers differ, in the order in which they were asked."""

    one: str
    other: str
    asked: int
    differences: tuple[AnswerDifference, ...]


class CompareAnswers:
    """Nothing that is asked here is recorded. `reasoning` answers, with the models that it answers any question with.

    Raises AccessDeniedError, UnknownGenerationError, what asking raises, StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(
        self,
        compare: Compare,
        differences: GenerationDifferences,
        reasoning: Reasoning,
    ) -> None:
        self._compare = compare
        self._differences = differences
        self._reasoning = reasoning

    async def answers(
        self,
        caller: Caller,
        one: str,
        other: str,
        questions: Sequence[str] = (),
        *,
        last: int,
        deadline: Deadline,
    ) -> AnswerDifferences:
        """Of these questions; where none is given, of the `last` that the tenant asked. Either side may be `live`."""
        caller.require_everything("reasoning", "execute")
        sides = await self._compare.side(one, deadline), await self._compare.side(other, deadline)
        async with deadline.enforce("comparing answers"):
            asked = list(questions) or await self._differences.asked(
                caller.tenant, sides[0].schema, sides[1].schema, min(last, MOST_QUESTIONS)
            )
            low, high = sorted((sides[0].position, sides[1].position))
            found = []
            for question in asked[:MOST_QUESTIONS]:
                first, second = [
                    await self._reasoning.query(caller, ReasoningQueryRequest(question, SOURCES, at=name), deadline)
                    for name in (one, other)
                ]
                if first.answer != second.answer:
                    found.append(
                        AnswerDifference(
                            question,
                            first.answer,
                            second.answer,
                            first.confidence,
                            second.confidence,
                            await self._made_by(caller.tenant, (first, second), low, high),
                        )
                    )
        return AnswerDifferences(one, other, len(asked), tuple(found))

    async def _made_by(
        self, tenant: str, answers: Sequence[ReasoningQueryResponse], low: int, high: int
    ) -> MadeBy | None:
        documents = {source.document_id for answer in answers for source in answer.sources}
        for types in (CONTENT_TYPES, DOCUMENT_TYPES):
            event = await self._compare.last_of_documents(tenant, sorted(documents), types, low, high)
            if event is not None:
                return MadeBy.of(event)
        return None
