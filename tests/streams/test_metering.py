"""Each batch of a consumer is counted: messages, seconds, failures, dead letters."""

import pytest
from prometheus_client import REGISTRY

from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from streams import handling
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from tests.streams.fakes import Letters, Recorder, message


def value(name: str, consumer: str, **labels: str) -> float:
    """A metric's present value."""
    return REGISTRY.get_sample_value(name, {"consumer": consumer, **labels}) or 0.0


def consumer_of(name: str, **handler: object) -> BatchConsumer[str]:
    recorder = Recorder(name=name, **handler)  # type: ignore[arg-type]
    return BatchConsumer(recorder, DeadLetterSink(Letters(), topics()))


async def test_what_was_processed_is_counted_with_its_seconds() -> None:
    await consumer_of("metered-well").process([message(offset) for offset in range(3)])
    assert value("annals_processed_total", "metered-well") == 3
    assert value("annals_batch_seconds_count", "metered-well") == 1


async def test_a_poisoned_message_is_a_failure_and_a_dead_letter() -> None:
    messages = [message(0), message(1, b"poison"), message(2)]
    await consumer_of("metered-poison", poison={"poison"}).process(messages)
    assert value("annals_processed_total", "metered-poison") == 2
    assert value("annals_batch_failures_total", "metered-poison", kind="failed") == 2  # the batch, then the message
    assert value("annals_dead_letters_total", "metered-poison", error="ValueError") == 1


async def test_a_store_that_is_away_is_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling, "LONGEST_PAUSE_S", 0.01)
    away = consumer_of("metered-away", failures=[StoreUnavailableError("away"), StoreUnavailableError("away")])
    await away.process([message(0)])
    assert value("annals_batch_failures_total", "metered-away", kind="unavailable") == 2
    assert value("annals_batch_failures_total", "metered-away", kind="failed") == 0
    assert value("annals_processed_total", "metered-away") == 1


async def test_a_note_without_messages_is_no_batch() -> None:
    quiet = consumer_of("metered-note")
    await quiet.note({("annals.test", 0): 5})
    assert value("annals_batch_seconds_count", "metered-note") == 0
