"""What differs between two generations, and whose answers do."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from contracts.payload import GenerationName
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of, shown
from gateway.parameters import AskedQuestion, Cursor, Limit
from projections.relational.differences import Kind
from services.past.answers import MOST_QUESTIONS, AnswerDifference
from services.past.differences import KINDS, MadeBy
from services.past.generations import LIVE
from services.positions import Position

Name = Annotated[GenerationName, Path(description="A generation of the past, or `live`.")]


class CausingEvent(BaseModel):
    """The last event between both that can have made a difference."""

    position: Position
    event_id: str
    event_type: str
    aggregate_id: str
    actor: str
    recorded_at: datetime

    @classmethod
    def of(cls, request: Request, event: MadeBy | None) -> "CausingEvent | None":
        """As the caller may see it."""
        if event is None:
            return None
        return cls(
            position=shown(request, event.position),
            event_id=event.event_id,
            event_type=event.event_type,
            aggregate_id=event.aggregate_id,
            actor=event.actor,
            recorded_at=event.recorded_at,
        )


class ComparedThing(BaseModel):
    """`one` and `other` have the fields that differ, all of them where only one side is there; null where it is not."""

    kind: Kind
    id: str
    name: str
    change: Literal["added", "removed", "changed"]
    one: dict[str, Any] | None
    other: dict[str, Any] | None
    made_by: CausingEvent | None


class Differences(BaseModel):
    """From `one` to `other`, each as of its position. `next`: the cursor of the page behind, null for the last one."""

    one: str
    other: str
    one_position: Position
    other_position: Position
    differences: list[ComparedThing]
    next: str | None


class QuestionsToCompare(BaseModel):
    """`other`: a generation of the past, or `live`. Without `questions`, the `last` that the tenant asked."""

    model_config = ConfigDict(strict=True, extra="forbid")

    other: GenerationName = LIVE
    questions: Annotated[list[AskedQuestion], Field(min_length=1, max_length=MOST_QUESTIONS)] | None = None
    last: Annotated[int, Field(ge=1, le=MOST_QUESTIONS)] = 10


class ComparedAnswer(BaseModel):
    """Both answers, null where there is none. `made_by`: of a document that either rests on."""

    question: str
    one: str | None
    other: str | None
    one_confidence: float
    other_confidence: float
    made_by: CausingEvent | None

    @classmethod
    def of(cls, request: Request, difference: AnswerDifference) -> "ComparedAnswer":
        """As the caller may see it."""
        return cls(
            question=difference.question,
            one=difference.one,
            other=difference.other,
            one_confidence=difference.one_confidence,
            other_confidence=difference.other_confidence,
            made_by=CausingEvent.of(request, difference.made_by),
        )


class ComparedAnswers(BaseModel):
    """Of `asked` questions, those whose answers differ."""

    one: str
    other: str
    asked: int
    differences: list[ComparedAnswer]


async def differences(
    request: Request,
    name: Name,
    other: Annotated[GenerationName, Query(description="A generation of the past, or `live`.")] = LIVE,
    only: Annotated[list[Kind] | None, Query(max_length=len(KINDS), description="Without one, all three.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Differences:
    """Which documents, entities and relations differ from one generation to another, one kind after the other, each by
    id, with the event that made the difference. They tell of all documents: the caller has to be allowed to see them
    all, entities, relations and events too.
    """
    exchange = exchange_of(request.scope)
    page = await services_of(request).past.compare.differences(
        exchange.caller, name, other, only or KINDS, after=cursor, limit=limit, deadline=exchange.deadline
    )
    return Differences(
        one=page.one,
        other=page.other,
        one_position=shown(request, page.one_position),
        other_position=shown(request, page.other_position),
        differences=[
            ComparedThing(
                kind=one.kind,
                id=one.id,
                name=one.name,
                change=one.change,
                one=one.one,
                other=one.other,
                made_by=CausingEvent.of(request, one.made_by),
            )
            for one in page.differences
        ],
        next=page.next,
    )


async def answers(request: Request, name: Name, wanted: QuestionsToCompare) -> ComparedAnswers:
    """Ask two generations the same questions, and tell whose answers differ; nothing of it is recorded."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).past.compare_answers.answers(
        exchange.caller, name, wanted.other, wanted.questions or (), last=wanted.last, deadline=exchange.deadline
    )
    return ComparedAnswers(
        one=found.one,
        other=found.other,
        asked=found.asked,
        differences=[ComparedAnswer.of(request, one) for one in found.differences],
    )


EVENT = {
    "position": 17,
    "event_id": "0b9f5f3e-6a44-4f0e-9d3d-6d3a8a3e4c11",
    "event_type": "DocumentUpdated",
    "aggregate_id": "articles/lovelace",
    "actor": "ada",
    "recorded_at": "2026-01-05T10:00:00Z",
}

HANDLERS = {
    "past_differences": Handler(
        differences,
        "projections",
        "What differs between two generations.",
        raises=(404,),
        example={
            "one": "monday",
            "other": "live",
            "one_position": 12,
            "other_position": 19,
            "differences": [
                {
                    "kind": "documents",
                    "id": "articles/lovelace",
                    "name": "Ada Lovelace",
                    "change": "changed",
                    "one": {"characters": 1200},
                    "other": {"characters": 1260},
                    "made_by": EVENT,
                }
            ],
            "next": None,
        },
    ),
    "past_answers": Handler(
        answers,
        "projections",
        "Ask two generations the same questions.",
        raises=(404,),
        request={"other": "live", "questions": ["Who wrote the first program?"]},
        example={
            "one": "monday",
            "other": "live",
            "asked": 1,
            "differences": [
                {
                    "question": "Who wrote the first program?",
                    "one": None,
                    "other": "Ada Lovelace",
                    "one_confidence": 0.0,
                    "other_confidence": 0.87,
                    "made_by": EVENT,
                }
            ],
        },
    ),
}
