"""From a stream to a handler: everything is processed, in order, before it is acknowledged."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from contracts.codec import NewerSchemaError
from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from streams import handling, in_flight
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from streams.fan_out import FanOut
from streams.published import PublishedEnds
from tests.streams.fakes import TOPIC, Letters, Recorder, Stream, message


class Scene:
    """A batch consumer with its handler and dead letter sink."""

    def __init__(self, *, batch: int = 100, published: PublishedEnds | None = None, **handler: object) -> None:
        self.handler = Recorder(**handler)  # type: ignore[arg-type]
        self.letters = Letters()
        self.consumer = BatchConsumer(
            self.handler, DeadLetterSink(self.letters, topics()), batch=batch, published=published
        )

    @property
    def set_aside(self) -> list[tuple[int, str, str]]:
        return [(letter.offset, letter.error, letter.cause) for letter in self.letters.set_aside]

    @contextlib.asynccontextmanager
    async def running(self, stream: Stream) -> AsyncIterator[None]:
        task = asyncio.create_task(FanOut([self.consumer]).run(TOPIC, stream))
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling, "UNAVAILABLE_LIMIT_S", 0.0)


async def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to that")


async def test_all_is_handled_and_acknowledged_in_order() -> None:
    scene, stream = Scene(batch=7), Stream([message(offset, b"m%d" % offset) for offset in range(50)])
    async with scene.running(stream):
        await until(lambda: len(stream.acknowledged) == 50)

    assert scene.handler.handled == [f"m{offset}" for offset in range(50)]
    assert stream.acknowledged == list(range(50))
    assert not stream.automatic
    assert max(len(items) for items, _ in scene.handler.calls) <= 7
    assert scene.consumer.processed == 50 and not scene.consumer.holds_work


async def test_positions_are_those_of_all_that_was_processed() -> None:
    """Also of what the handler did not want: it is done with that too."""
    scene = Scene()
    await scene.consumer.process([message(0, b"mine"), message(1, b"skip"), message(2, b"broken")])
    assert scene.handler.calls == [(["mine"], {(TOPIC, 0): 102})]


async def test_nothing_is_acknowledged_before_it_was_handled() -> None:
    scene, stream = Scene(batch=4), Stream([message(offset) for offset in range(8)])
    scene.handler.may_go.clear()
    async with scene.running(stream):
        await until(lambda: len(scene.handler.calls) == 1 and stream.delivered == 8)
        assert stream.acknowledged == []
        assert scene.consumer.holds_work
        scene.handler.may_go.set()
        await until(lambda: len(stream.acknowledged) == 8)


async def test_a_store_that_stays_away_ends_the_consumer_and_nothing_is_acknowledged() -> None:
    scene, stream = Scene(failures=[StoreUnavailableError("away")]), Stream([message(0), message(1)])
    with pytest.raises(ExceptionGroup) as raised:
        await FanOut([scene.consumer]).run(TOPIC, stream)
    assert raised.group_contains(StoreUnavailableError, match="away")
    assert stream.acknowledged == [] and scene.letters.set_aside == []


async def test_a_store_that_comes_back_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling, "UNAVAILABLE_LIMIT_S", 30.0)
    scene = Scene(failures=[StoreUnavailableError("away")])
    await scene.consumer.process([message(0, b"a"), message(1, b"b")])
    # The same batch, whole, with its positions.
    assert scene.handler.calls == [(["a", "b"], {(TOPIC, 0): 101})] * 2
    assert scene.letters.set_aside == []


async def test_while_a_store_is_away_the_consumer_says_that_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling, "UNAVAILABLE_LIMIT_S", 30.0)
    scene = Scene(failures=[StoreUnavailableError("away")] * 3)
    work = asyncio.create_task(scene.consumer.process([message(0, b"a")]))
    await until(lambda: scene.consumer.waits_for_store)
    await work
    assert scene.handler.handled == ["a"] and not scene.consumer.waits_for_store


async def test_a_letter_that_cannot_be_kept_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling, "UNAVAILABLE_LIMIT_S", 30.0)
    scene = Scene()
    scene.letters.failures = [StoreUnavailableError("away"), StoreUnavailableError("away")]
    await scene.consumer.process([message(0, b"broken"), scene.letters.retry_of(7, 1, b"good")])
    assert [letter.offset for letter in scene.letters.set_aside] == [0]
    assert scene.letters.resolved == [("recorder", 7)]
    assert scene.handler.handled == ["good"]


async def test_a_store_that_goes_away_while_items_are_tried_singly_sets_aside_nothing() -> None:
    scene = Scene(failures=[ValueError("the batch"), StoreUnavailableError("away")])
    with pytest.raises(StoreUnavailableError):
        await scene.consumer.process([message(0, b"a"), message(1, b"b")])
    assert scene.letters.set_aside == []


async def test_poison_is_found_one_by_one_and_set_aside_while_the_rest_is_handled() -> None:
    scene, stream = Scene(poison=frozenset({"m3", "m5"})), Stream([message(n, b"m%d" % n) for n in range(8)])
    async with scene.running(stream):
        await until(lambda: len(stream.acknowledged) == 8)

    assert scene.handler.handled == ["m0", "m1", "m2", "m4", "m6", "m7"]
    assert scene.set_aside == [(3, "ValueError", "cannot handle m3"), (5, "ValueError", "cannot handle m5")]
    # The position moves only once each item was processed.
    assert [positions for _, positions in scene.handler.calls[1:-1]] == [{}] * 8
    assert scene.handler.calls[-1] == ([], {(TOPIC, 0): 107})


async def test_a_failure_that_passes_sets_aside_nothing() -> None:
    scene = Scene(failures=[ValueError("only once")])
    await scene.consumer.process([message(0, b"alone")])
    assert scene.handler.handled == ["alone"] and scene.letters.set_aside == []


async def test_malformed_messages_are_set_aside_and_stop_nobody() -> None:
    scene = Scene()
    await scene.consumer.process([message(0, b"broken one"), message(1, b"good"), message(2, b"broken two")])
    assert scene.handler.handled == ["good"]
    assert scene.set_aside == [
        (0, "MalformedEventError", "broken one: Field required"),
        (2, "MalformedEventError", "broken two: Field required"),
    ]


async def test_a_retried_letter_is_resolved_once_its_item_was_handled() -> None:
    scene = Scene(poison=frozenset({"bad"}))
    await scene.consumer.process([scene.letters.retry_of(7, 0, b"good"), message(1, b"other")])
    await scene.consumer.process([scene.letters.retry_of(8, 2, b"bad"), scene.letters.retry_of(9, 3, b"good")])
    assert scene.letters.resolved == [("recorder", 7), ("recorder", 9)]
    assert [letter.offset for letter in scene.letters.set_aside] == [2]


@pytest.mark.parametrize(("messages", "held_bytes"), [(20, 1 << 20), (1 << 20, 20 * 4)])
async def test_a_slow_handler_holds_the_stream_back(
    monkeypatch: pytest.MonkeyPatch, messages: int, held_bytes: int
) -> None:
    monkeypatch.setattr(in_flight, "HELD_MESSAGES", messages)
    monkeypatch.setattr(in_flight, "HELD_BYTES", held_bytes)
    scene, stream = Scene(batch=5), Stream([message(offset) for offset in range(100)])
    scene.handler.may_go.clear()
    async with scene.running(stream):
        await until(lambda: len(scene.handler.calls) == 1)
        for _ in range(2000):
            await asyncio.sleep(0)
        assert stream.delivered == 20
        scene.handler.may_go.set()
        await until(lambda: len(stream.acknowledged) == 100)


async def test_small_items_do_not_wait_for_a_large_one_and_are_acknowledged_behind_it() -> None:
    sent = [message(0, b"large:" + b"x" * 200), *(message(n, b"m%d" % n) for n in range(1, 40))]
    scene, stream = Scene(batch=7), Stream(sent)
    scene.handler.large_gate.clear()
    async with scene.running(stream):
        await until(lambda: len(scene.handler.handled) == 39)
        assert scene.handler.handled == [f"m{n}" for n in range(1, 40)]
        assert stream.acknowledged == [] and scene.consumer.holds_work
        # Not one position may be remembered that lies behind the large one.
        assert all(not positions for items, positions in scene.handler.calls if not items[0].startswith("large"))
        scene.handler.large_gate.set()
        await until(lambda: len(stream.acknowledged) == 40)
    assert stream.acknowledged == list(range(40))
    assert scene.handler.calls[-1] == ([], {(TOPIC, 0): 139})
    assert scene.consumer.processed == 40 and not scene.consumer.holds_work


async def test_what_concerns_the_large_one_itself_waits_for_it() -> None:
    sent = [message(0, b"large:" + b"x" * 200), message(1, b"large:deleted"), message(2, b"other")]
    scene, stream = Scene(), Stream(sent)
    scene.handler.large_gate.clear()
    async with scene.running(stream):
        await until(lambda: scene.handler.handled == ["other"])
        scene.handler.large_gate.set()
        await until(lambda: len(stream.acknowledged) == 3)
    assert [item[:13] for item in scene.handler.handled] == ["other", "large:xxxxxxx", "large:deleted"]


async def test_a_large_one_that_cannot_be_handled_is_set_aside_and_the_rest_goes_on() -> None:
    large = "large:" + "x" * 200
    scene = Scene(poison=frozenset({large}))
    stream = Stream([message(0, large.encode()), message(1, b"a"), message(2, b"large:next"), message(3, b"b")])
    async with scene.running(stream):
        await until(lambda: len(stream.acknowledged) == 4)
    assert sorted(scene.handler.handled) == ["a", "b", "large:next"]
    assert [letter.offset for letter in scene.letters.set_aside] == [0]
    assert stream.acknowledged == [0, 1, 2, 3]


async def test_a_note_reaches_the_handler_for_its_own_topics_alone() -> None:
    scene = Scene()
    await scene.consumer.note({(TOPIC, 0): 5, ("annals.other", 0): 9})
    await scene.consumer.note({("annals.other", 0): 10})
    assert scene.handler.calls == [([], {(TOPIC, 0): 5})]


@pytest.mark.parametrize("read", [True, False])
async def test_what_only_a_newer_process_reads_ends_the_drain_and_is_no_dead_letter(read: bool) -> None:
    """Whether the record itself is newer, or what the log holds of its aggregate."""
    scene = Scene(failures=[] if read else [NewerSchemaError("too old")])
    stream = Stream([message(0, b"fine"), message(1, b"newer" if read else b"fine")])
    with pytest.raises(ExceptionGroup) as ended:
        await FanOut([scene.consumer]).run(TOPIC, stream)
    assert ended.group_contains(NewerSchemaError)
    assert (stream.acknowledged, scene.set_aside) == ([], [])


async def test_one_that_is_too_new_is_no_dead_letter_when_its_batch_is_tried_singly() -> None:
    scene = Scene(failures=[ValueError("the batch"), NewerSchemaError("too old")])
    with pytest.raises(NewerSchemaError):
        await scene.consumer.process([message(0), message(1)])
    assert scene.set_aside == []


async def test_a_batch_ends_at_the_bytes_that_the_handler_names() -> None:
    scene = Scene(batch_bytes=5)
    async with scene.running(Stream([message(offset, b"mm") for offset in range(9)])):
        await until(lambda: len(scene.handler.handled) == 9)
    assert max(len(items) for items, _ in scene.handler.calls) == 3


async def test_while_a_batch_is_at_work_what_others_wait_for_is_delivered() -> None:
    """Faust delivers to all agents of a process in step: a stage that is behind must not stop the ones behind it."""
    documents = 500
    sent = [message(offset) for offset in range(documents)]
    sent += [message(documents + offset, b"skip") for offset in range(3 * documents)]
    scene, stream = Scene(batch=5), Stream(sent)
    scene.handler.may_go.clear()
    async with scene.running(stream):
        await until(lambda: stream.delivered == len(sent))
        assert len(scene.handler.handled) < documents
        scene.handler.may_go.set()
        await until(lambda: len(stream.acknowledged) == len(sent))
