"""A consumer that sets aside too much is paused: it loses nothing, says so, and goes on when it is released."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from contracts.paused_consumer import PausedConsumer
from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from eventstore.paused_consumers import PausedConsumers
from eventstore.pool import PostgresPool
from streams import dead_letter_limit
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_limit import EVENTS, INBOX, DeadLetterLimit, DeadLetterPolicy
from streams.dead_letter_sink import DeadLetterSink
from streams.fan_out import FanOut
from tests.streams.fakes import TOPIC, Letters, Paused, Recorder, Stream, message
from tests.streams.test_batch_consumer import until

TEN = DeadLetterPolicy(share=0.5, least=10, window=100)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letter_limit, "POLL_S", 0.01)


@pytest.mark.parametrize(
    ("dead_letters", "messages", "exceeded"),
    [(10, 10, False), (11, 11, True), (11, 21, True), (11, 22, False), (50, 100, False), (51, 100, True)],
)
def test_both_a_number_and_a_share_must_be_exceeded(dead_letters: int, messages: int, exceeded: bool) -> None:
    assert TEN.is_exceeded(dead_letters, messages) is exceeded


def test_half_of_an_inbox_may_be_malformed_but_not_half_of_the_events() -> None:
    """In whatever order 200 bad and 200 good messages come."""
    for seed in range(200):
        kinds = [True] * 200 + [False] * 200
        random.Random(seed).shuffle(kinds)
        seen = [(sum(kinds[:number]), number) for number in range(1, 401)]
        assert not any(INBOX.is_exceeded(*counts) for counts in seen)
    assert EVENTS.is_exceeded(200, 399)


async def test_what_happened_long_ago_does_not_count() -> None:
    limit = DeadLetterLimit("c", Paused(), TEN)
    for _ in range(10):
        limit.failed()
        await limit.admit("why")
    limit.handled(100)
    for _ in range(50):
        limit.failed()
        await limit.admit("why")
    assert not limit.is_paused


class Scene:
    """A consumer of which every message that says so is malformed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("streams.dead_letter_sink.EVENTS", TEN)
        self.handler = Recorder()
        self.letters = Letters()
        self.paused = Paused()
        self.letters.paused = self.paused
        self.consumer = BatchConsumer(self.handler, DeadLetterSink(self.letters, topics()), batch=7)

    @contextlib.asynccontextmanager
    async def running(self, stream: Stream) -> AsyncIterator[None]:
        task = asyncio.create_task(FanOut([self.consumer]).run(TOPIC, stream))
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_paused_consumer_handles_and_acknowledges_nothing_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene(monkeypatch)
    stream = Stream([message(offset, b"broken" if offset % 7 else b"fine") for offset in range(70)])
    async with scene.running(stream):
        await until(lambda: scene.consumer.is_paused)
        kept, acknowledged, handled = len(scene.letters.set_aside), len(stream.acknowledged), len(scene.handler.handled)
        assert (kept, acknowledged, handled) == (10, 7, 1)
        for _ in range(500):
            await asyncio.sleep(0)
        assert len(scene.letters.set_aside) == kept and len(stream.acknowledged) == acknowledged
        paused = scene.paused.consumers["recorder"]
        assert (paused.dead_letters, paused.cause) == (11, "broken: Field required")
        assert "recorder is paused: 11 of its last" in caplog.text
        assert "annals dead-letters resume recorder" in caplog.text
        assert REGISTRY.get_sample_value("annals_consumer_paused", {"consumer": "recorder"}) == 1

        assert await scene.paused.release(["recorder"]) == ["recorder"]
        await until(lambda: len(scene.letters.set_aside) > kept)
        await until(lambda: scene.consumer.is_paused)
        # Nothing is lost, however often it is paused.
        async with asyncio.timeout(10):
            while len(stream.acknowledged) < 70:
                await scene.paused.release(["recorder"])
                await asyncio.sleep(0.005)
    assert stream.acknowledged == list(range(70))
    assert REGISTRY.get_sample_value("annals_consumer_paused", {"consumer": "recorder"}) == 0
    assert sorted(letter.offset for letter in scene.letters.set_aside) == [n for n in range(70) if n % 7]
    assert len(scene.handler.handled) == 10


async def test_other_processes_of_the_consumer_stop_at_their_next_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    await scene.paused.pause(PausedConsumer("recorder", 60, 60, "elsewhere"))
    work = asyncio.create_task(scene.consumer.process([message(0, b"fine"), message(1, b"broken")]))
    await until(lambda: scene.consumer.is_paused)
    assert scene.letters.set_aside == []
    await scene.paused.release(["recorder"])
    await work
    assert len(scene.letters.set_aside) == 1 and scene.handler.handled == ["fine"]


async def test_what_fails_again_is_not_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    again = [scene.letters.retry_of(number, number, b"broken") for number in range(30)]
    await scene.consumer.process(again)
    assert len(scene.letters.set_aside) == 30 and not scene.consumer.is_paused


async def test_a_forged_retry_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    forged = [message(n, b"broken", dead_letter=b"7", retry_token=b"guessed") for n in range(30)]
    work = asyncio.create_task(scene.consumer.process(forged))
    await until(lambda: scene.consumer.is_paused)
    work.cancel()


async def test_a_database_that_is_away_neither_counts_twice_nor_ends_the_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch)
    failures = iter([StoreUnavailableError("away"), None, StoreUnavailableError("away")])
    original = scene.paused.is_paused

    async def is_paused(consumer: str) -> bool:
        failure = next(failures, None)
        if failure is not None:
            raise failure
        return await original(consumer)

    monkeypatch.setattr(scene.paused, "is_paused", is_paused)
    work = asyncio.create_task(scene.consumer.process([message(n, b"broken") for n in range(12)]))
    await until(lambda: scene.consumer.is_paused and next(failures, None) is None)
    assert scene.paused.consumers["recorder"].dead_letters == 11
    await scene.paused.release(["recorder"])
    await work
    assert len(scene.letters.set_aside) == 12


async def test_paused_consumers_are_kept_in_the_database(pool: PostgresPool) -> None:
    paused = PausedConsumers(pool)
    await paused.pause(PausedConsumer("graph", 60, 80, "first"))
    await paused.pause(PausedConsumer("graph", 61, 81, "second"))
    await paused.pause(PausedConsumer("chunking", 51, 51, "other"))
    chunking, graph = await paused.all()
    assert (graph.consumer, graph.dead_letters, graph.messages, graph.cause) == ("graph", 60, 80, "first")
    assert graph.since is not None and chunking.consumer == "chunking"
    assert await paused.is_paused("graph")
    assert await paused.release(["graph", "vector"]) == ["graph"]
    assert not await paused.is_paused("graph") and await paused.is_paused("chunking")
