"""Events of answers reach the log later, once, or are counted; nothing waits without a limit."""

import logging
import time
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from aggregates import reasoning_query as queries
from aggregates.cause import Cause
from aggregates.reasoning_query import ReasoningQuery
from contracts.envelope import EventMetadata
from contracts.reasoning import ReasoningQueryExecuted
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from services.reasoning import recorder as recorders
from services.reasoning.recorder import AnswerRecorder
from tests.services.reasoning.fakes import Log, until

SHORT_S = 0.05


def command(query_id: str | None = None) -> Command:
    query_id = query_id or str(uuid4())
    executed = ReasoningQueryExecuted(
        question="Who?",
        answer=None,
        confidence=0.0,
        sources=(),
        chains=(),
        knowledge="0" * 64,
        cached=False,
        milliseconds=1,
    )
    cause = Cause(EventMetadata(tenant="ours"), query_id)
    return Command(
        AggregateKey("ours", "reasoning_query", query_id),
        ReasoningQuery.project,
        lambda state: queries.execute(state, query_id, executed, cause),
        state=None,
    )


async def stored(log: Log, count: int) -> None:
    async def there() -> bool:
        return len(log.stored) == count

    await until(there)


async def test_what_the_log_takes_is_recorded_at_once() -> None:
    log = Log()
    assert await AnswerRecorder(log).record(command(), SHORT_S)
    assert len(log.stored) == 1


async def test_all_are_stored_in_their_order_once_the_log_is_back() -> None:
    log = Log("is away")
    recorder = AnswerRecorder(log)
    commands = [command() for _ in range(5)]
    assert not any([await recorder.record(one, SHORT_S) for one in commands])
    log.way = "answers"
    await stored(log, 5)
    assert list(log.stored) == [one.key.aggregate_id for one in commands]
    assert await recorder.record(command(), SHORT_S)
    await recorder.close()
    assert (len(log.stored), recorder.lost) == (6, 0)


async def test_behind_others_nobody_waits_for_the_log() -> None:
    log = Log("hangs")
    recorder = AnswerRecorder(log)
    assert not await recorder.record(command(), SHORT_S)
    began = time.monotonic()
    assert not await recorder.record(command(), 60.0)
    assert time.monotonic() - began < 5


def lost_by_metrics() -> float:
    """As Prometheus is told."""
    return REGISTRY.get_sample_value("annals_answers_lost_total") or 0.0


async def test_the_queue_has_a_bound(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(recorders, "MOST_PENDING", 2)
    log = Log("hangs")
    recorder = AnswerRecorder(log)
    before = lost_by_metrics()
    for _ in range(5):
        assert not await recorder.record(command(), SHORT_S)
    assert recorder.lost == 3 and lost_by_metrics() - before == 3
    assert "2 others wait already" in caplog.text


async def test_trying_has_an_end(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(recorders, "RETRY_LIMIT_S", 0.1)
    recorder = AnswerRecorder(Log("is away"))
    assert not await recorder.record(command(), SHORT_S)

    async def given_up() -> bool:
        return recorder.lost == 1

    await until(given_up)
    assert "not in the log and will not be: 1 (The database does not answer" in caplog.text


async def test_at_the_end_what_is_left_is_tried_within_a_limit_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recorders, "CLOSE_LIMIT_S", 0.2)
    recorder = AnswerRecorder(Log("hangs"))
    for _ in range(3):
        await recorder.record(command(), SHORT_S)
    caplog.clear()
    began = time.monotonic()
    await recorder.close()
    assert time.monotonic() - began < 5
    assert recorder.lost == 3
    assert [one.levelno for one in caplog.records] == [logging.ERROR]
    assert "not be: 3 (not stored within 0.2 s)" in caplog.text
    await recorder.close()
    assert recorder.lost == 3


async def test_an_append_that_was_given_up_and_came_through_is_not_stored_twice(
    commands: Commands, reader: EventReader
) -> None:
    """Given up at once, the append goes on in its thread, and the same is appended again."""
    recorder = AnswerRecorder(commands)
    one = command()
    await commands.execute(one)
    assert not await recorder.record(one, 0.0)
    await recorder.close()
    assert recorder.lost == 0
    assert len(await reader.of_aggregate("ours", "reasoning_query", one.key.aggregate_id)) == 1
