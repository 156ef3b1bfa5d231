"""A question by the service: answer, sources, and how it came about."""

from uuid import uuid4

import pytest

from contracts.reasoning import ReasoningQueryExecuted, ReasoningResultCached
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError
from services.reasoning.ask import AskService
from services.reasoning.interface import ReasoningQueryRequest
from services.reasoning.recorder import AnswerRecorder
from services.reasoning.service import ReasoningService
from tests.services.reasoning.fakes import ANSWER, Cache, Engine, Events, Limits, Log, documents, passages
from tests.support.access import allowed

CALLER = Caller("ours", "ada", "http", FULL_ACCESS, correlation_id="request-1")


def soon() -> Deadline:
    return Deadline.after(10)


def service(log: Log) -> ReasoningService:
    asking = AskService(
        Engine(), AnswerRecorder(log), Events(), passages(), Cache(), Limits(), documents(), per_minute=60
    )
    return ReasoningService(asking)


async def test_an_answer_with_how_it_came_about() -> None:
    log = Log()
    request = ReasoningQueryRequest("Who founded Lisse?")
    answered = await service(log).query(CALLER, request, soon())
    assert (answered.answer, answered.confidence) == (ANSWER.answer, ANSWER.confidence)
    metadata = answered.processing_metadata
    assert list(metadata.timings) == ["rate_limit", "cache", "reasoning", "recording"]
    assert all(taken >= 0 for taken in metadata.timings.values())
    assert metadata.recorded and not metadata.cached and metadata.knowledge == ANSWER.knowledge
    executed, kept = log.stored[str(request.query_id)]
    assert isinstance(executed.event_data, ReasoningQueryExecuted)
    assert executed.correlation_id == kept.correlation_id == "request-1"
    assert isinstance(kept.event_data, ReasoningResultCached)
    assert kept.event_data.key == metadata.query_hash


async def test_the_same_asking_is_recorded_once() -> None:
    log = Log()
    asking, request = service(log), ReasoningQueryRequest("Who founded Lisse?")
    for _ in range(2):
        await asking.query(CALLER, request, soon())
    assert len(log.stored) == 1 and len(log.stored[str(request.query_id)]) == 2
    hashes = {
        (await asking.query(CALLER, ReasoningQueryRequest(query, k), soon())).processing_metadata.query_hash
        for query, k in (("Who founded Lisse?", 5), (" Who founded Lisse? ", 5), ("Who?", 5), ("Who?", 4))
    }
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (ReasoningQueryRequest(""), "query"),
        (ReasoningQueryRequest(" \t"), "query"),
        (ReasoningQueryRequest("w" * 4097), "query"),
        (ReasoningQueryRequest("who?", 0), "max_sources"),
        (ReasoningQueryRequest("who?", 51), "max_sources"),
        (ReasoningQueryRequest("who?", query_id="x"), "query_id"),  # type: ignore[arg-type]
    ],
)
async def test_what_is_no_question_is_refused_by_its_field(request_: ReasoningQueryRequest, field: str) -> None:
    log = Log()
    with pytest.raises(InvalidRequestError, match=f"^{field}: "):
        await service(log).query(CALLER, request_, soon())
    assert log.tries == 0


async def test_who_may_not_asks_nothing() -> None:
    log = Log()
    with pytest.raises(AccessDeniedError, match="eve may not execute reasoning"):
        await service(log).query(
            Caller("ours", "eve", "http", allowed()), ReasoningQueryRequest("who?", query_id=uuid4()), soon()
        )
    assert log.tries == 0
