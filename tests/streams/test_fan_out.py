"""One stream for several consumers: each has every event of its topics; acknowledged is what all have processed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates import document as documents
from aggregates.cause import Cause
from contracts.codec import encode
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from contracts.topics import topics
from contracts.unvalidated import decode_unvalidated
from streams import message as messages
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from streams.fan_out import FanOut, SharedEvent
from streams.message import read_event
from tests.streams.fakes import TOPIC, Letters, Recorder, Stream, message
from tests.streams.test_batch_consumer import until


def consumer(recorder: Recorder) -> BatchConsumer[str]:
    return BatchConsumer(recorder, DeadLetterSink(Letters(), topics()), batch=5)


@contextlib.asynccontextmanager
async def running(fan_out: FanOut, stream: Stream, topic: str = TOPIC) -> AsyncIterator[None]:
    task = asyncio.create_task(fan_out.run(topic, stream))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_every_consumer_of_a_topic_has_all_of_it_in_order() -> None:
    recorders = [Recorder(name="a"), Recorder(name="b"), Recorder(name="c", topics=("annals.another",))]
    stream = Stream([message(offset, b"m%d" % offset) for offset in range(30)])
    async with running(FanOut([consumer(one) for one in recorders]), stream):
        await until(lambda: len(stream.acknowledged) == 30)
    wanted = [f"m{offset}" for offset in range(30)]
    assert [one.handled for one in recorders] == [wanted, wanted, []]
    assert stream.acknowledged == list(range(30))
    assert not stream.automatic


async def test_nothing_is_acknowledged_before_the_slowest_has_processed_it() -> None:
    quick, slow = Recorder(name="quick"), Recorder(name="slow")
    slow.may_go.clear()
    stream = Stream([message(offset) for offset in range(8)])
    async with running(FanOut([consumer(quick), consumer(slow)]), stream):
        await until(lambda: len(quick.handled) == 8 and bool(slow.calls))
        assert stream.acknowledged == []
        slow.may_go.set()
        await until(lambda: stream.acknowledged == list(range(8)))


async def test_what_one_sets_aside_the_others_process() -> None:
    bad, good = Recorder(name="bad", poison=frozenset({"m3"})), Recorder(name="good")
    stream = Stream([message(offset, b"m%d" % offset) for offset in range(6)])
    async with running(FanOut([consumer(bad), consumer(good)]), stream):
        await until(lambda: len(stream.acknowledged) == 6)
    assert bad.handled == ["m0", "m1", "m2", "m4", "m5"]
    assert good.handled == [f"m{offset}" for offset in range(6)]


async def test_a_consumer_of_two_topics_works_on_both() -> None:
    recorder = Recorder(topics=(TOPIC, "annals.another"))
    fan_out = FanOut([consumer(recorder)])
    one, other = Stream([message(0, b"one")]), Stream([message(0, b"other", partition=1)])
    async with running(fan_out, one), running(fan_out, other, "annals.another"):
        await until(lambda: sorted(recorder.handled) == ["one", "other"])


async def test_one_that_gives_up_ends_them_all() -> None:
    fan_out = FanOut([consumer(Recorder(name="a")), consumer(Recorder(name="b"))])
    with pytest.raises(ExceptionGroup, match="unhandled errors"):
        async with asyncio.timeout(20):
            await fan_out.run(TOPIC, Stream([message(0), message(1, b"newer")]))


@settings(deadline=None)
@given(st.permutations([0, 1, 2] * 4))
async def test_events_are_acknowledged_in_order_whoever_is_ahead(turns: list[int]) -> None:
    stream = Stream([])
    shared = [SharedEvent(stream, Stamped(number), 3) for number in range(4)]
    done = [0, 0, 0]
    for who in turns:
        await shared[done[who]].processed()
        done[who] += 1
        assert stream.acknowledged == list(range(min(done)))


class Stamped:
    """An event as the stream acknowledges it."""

    def __init__(self, offset: int) -> None:
        self.message = message(offset)


def test_an_event_is_decoded_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    content = DocumentContent(title="t", text=TextReference(digest="a" * 64, characters=1, bytes=1))
    cause = Cause(metadata=EventMetadata(), correlation_id="c")
    (event,) = documents.ingest(None, "d", content, cause)
    decoded: list[bytes] = []

    def counted(raw: bytes, **known: Any) -> DomainEvent:
        decoded.append(raw)
        return decode_unvalidated(raw, **known)

    monkeypatch.setattr(messages, "decode_unvalidated", counted)
    record = message(0, encode(event), event_type=event.event_type.encode())
    assert read_event(record, {"DocumentDeleted"}) is None
    first = read_event(record, {"DocumentIngested"})
    assert first is not None and first is read_event(record, {"DocumentIngested", "DocumentDeleted"})
    assert first.event_data == event.event_data
    assert len(decoded) == 1
