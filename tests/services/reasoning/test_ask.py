"""A question has a deadline; what an answer can do without holds it up for a moment only."""

import asyncio
import time

import pytest

from contracts.reasoning import ReasoningQueryExecuted
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline, DeadlineExceededError
from services.errors import TooManyQuestionsError
from services.reasoning.ask import ASIDE_SHARE, GENERATING, AskService
from services.reasoning.recorder import AnswerRecorder
from tests.services.reasoning.fakes import ANSWER, Cache, Engine, Events, Limits, Log, Way, documents, passages, until

CALLER = Caller("ours", "ada", "test", FULL_ACCESS)
LIMIT_S = 4.0


def service(
    log: Log | None = None,
    *,
    engine: Engine | None = None,
    events: Events | None = None,
    cache: Cache | None = None,
    limits: Limits | None = None,
) -> AskService:
    """One where everything answers, but for what is given."""
    return AskService(
        engine or Engine(),
        AnswerRecorder(log or Log()),
        events or Events(),
        passages(),
        cache or Cache(),
        limits or Limits(),
        documents(),
        per_minute=10,
    )


async def test_an_answer_is_recorded_under_its_id() -> None:
    log = Log()
    asked = await service(log).ask(CALLER, " Who? ", 5, Deadline.after(LIMIT_S))
    assert (asked.answer, asked.recorded, asked.cached) == (ANSWER, True, False)
    first, kept = log.stored[asked.query_id]
    assert isinstance(first.event_data, ReasoningQueryExecuted) and first.event_data.question == "Who?"
    assert (first.metadata.tenant, first.metadata.actor, first.correlation_id) == ("ours", "ada", asked.query_id)
    assert kept.aggregate_version == 2


@pytest.mark.parametrize("way", ["is away", "hangs"])
async def test_where_the_log_does_not_take_the_event_the_answer_is_given_and_the_event_stored_later(way: Way) -> None:
    log = Log(way)
    asking = service(log)
    began = time.monotonic()
    asked = await asking.ask(CALLER, "Who?", 5, Deadline.after(LIMIT_S))
    assert time.monotonic() - began < 3 * ASIDE_SHARE * LIMIT_S
    assert (asked.answer, asked.recorded, log.stored) == (ANSWER, False, {})
    log.way = "answers"
    await asking.close()
    assert asking.lost == 0
    assert [event.aggregate_id for event in log.stored[asked.query_id]] == [asked.query_id] * 2


@pytest.mark.parametrize("way", ["is away", "hangs"])
@pytest.mark.parametrize("part", ["the cache", "the rate limiter", "the log's reads"])
async def test_the_answer_goes_on_without(part: str, way: Way) -> None:
    asking = service(
        cache=Cache(way if part == "the cache" else "answers"),
        limits=Limits(way if part == "the rate limiter" else "answers"),
        events=Events(way if part == "the log's reads" else "answers"),
    )
    began = time.monotonic()
    asked = await asking.ask(CALLER, "Who?", 5, Deadline.after(LIMIT_S))
    assert time.monotonic() - began < 3 * ASIDE_SHARE * LIMIT_S
    assert (asked.answer, asked.recorded, asked.cached) == (ANSWER, True, False)


async def test_a_limiter_that_answers_is_heeded() -> None:
    log = Log()
    with pytest.raises(TooManyQuestionsError, match=r"more than 10 questions a minute; ask again in 7\.0 s"):
        await service(log, limits=Limits(allowed=False)).ask(CALLER, "Who?", 5, Deadline.after(LIMIT_S))
    assert log.tries == 0


async def test_a_question_ends_by_its_deadline() -> None:
    asking = service(engine=Engine("hangs"))
    began = time.monotonic()
    with pytest.raises(DeadlineExceededError, match=r"answering took longer than 0\.2 s"):
        await asking.ask(CALLER, "Who?", 5, Deadline.after(0.2))
    assert time.monotonic() - began < 2


async def test_who_waits_for_a_generative_model_holds_nobody_up_and_is_answered_without_it() -> None:
    """As many as never fit into its time are not kept waiting for it."""
    engine = Engine(generates=True)
    asking = service(engine=engine)
    began = time.monotonic()
    waiting = [
        asyncio.create_task(asking.ask(CALLER, f"Who is {number}?", 5, Deadline.after(LIMIT_S))) for number in range(60)
    ]
    await until(lambda: _is(engine.waiting == GENERATING))
    answers = await asyncio.gather(*waiting)
    assert time.monotonic() - began < LIMIT_S
    assert engine.most_waiting == GENERATING
    assert {asked.answer.answer for asked in answers} == {ANSWER.answer}
    notes = {asked.answer.note for asked in answers}
    assert all(note and note.startswith("answered without the generative model") for note in notes)


async def _is(whether: bool) -> bool:
    return whether


async def test_the_event_says_when_the_question_was_asked() -> None:
    log = Log("is away")
    asking = service(log)
    asked = await asking.ask(CALLER, "Who?", 5, Deadline.after(LIMIT_S))
    answered = time.time()
    log.way = "answers"
    await asking.close()
    assert log.stored[asked.query_id][0].timestamp.timestamp() <= answered
