"""No fetch is sent before there may be anything for it, and none waits for what was told already."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.protocol.fetch import FetchRequest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st

from contracts.topics import Partition
from streams import transport
from streams.app import build_app
from streams.published import PublishedEnds
from streams.transport import FETCH_WAIT_MS, TOLD_FETCH_WAIT_MS, IdleWait
from tests.conftest import BrokerServer

A, B = ("annals.documents", 0), ("annals.documents", 1)
LONG_S = 60.0


def test_nobody_waits_where_nobody_tells() -> None:
    ends = PublishedEnds(["annals.documents"])
    ends.see({A: 5})
    assert ends.has_more({A: 5}) and not ends.speaks_for([A])
    ends.tell({})
    ends.tell({A: 5})
    assert not ends.has_more({A: 5})
    ends.tell(None)
    assert ends.has_more({A: 5})


def test_what_others_write_too_is_not_waited_for() -> None:
    ends = PublishedEnds(["annals.documents"])
    ends.tell({})
    ends.tell({A: 5, ("annals.inbox", 0): 5})
    assert ends.has_more({A: 5, ("annals.inbox", 0): 5})


def test_a_partition_of_which_nothing_is_known_may_have_more() -> None:
    ends = PublishedEnds(["annals.documents"])
    ends.tell({})
    ends.see({A: 5})
    assert not ends.has_more({A: 5}) and ends.has_more({A: 5, B: 0}) and ends.has_more({A: 4})
    ends.tell({})
    assert ends.has_more({A: 5}), "what was told meanwhile was missed"


def test_what_is_published_and_not_read_is_awaited() -> None:
    ends = PublishedEnds(["annals.documents"])
    assert ends.awaits({A: 5}) is None, "nobody tells"
    ends.tell({})
    ends.tell({A: 5})
    assert ends.awaits({A: 4, B: 0}) is True
    assert ends.awaits({A: 5, B: 0}) is False, "of the other partition nothing is known"
    assert ends.awaits({A: 4, ("annals.inbox", 0): 5}) is None, "others write there, too"


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(1, 9), st.booleans())), st.integers(0, 9))
def test_what_was_told_or_seen_is_never_missed(said: list[tuple[Partition, int, bool]], offset: int) -> None:
    ends = PublishedEnds(["annals.documents"])
    ends.tell({})
    last: dict[Partition, int] = {}
    for partition, end, is_told in said:
        # A broker's answer may be older than what the relay told; the relay's next word counts, whatever was before.
        last[partition] = end if is_told else max(end, last.get(partition, 0))
        ends.tell({partition: end}) if is_told else ends.see({partition: end})
    for partition in (A, B):
        assert ends.has_more({partition: offset}) is (partition not in last or offset < last[partition])


async def test_who_waits_is_woken_by_what_concerns_him_alone() -> None:
    ends = PublishedEnds(["annals.documents"])
    ends.tell({})
    ends.tell({A: 5, B: 7})
    waiting = asyncio.create_task(ends.wait({A: 5}, LONG_S))
    await asyncio.sleep(0)
    await asyncio.to_thread(ends.tell, {B: 8})
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.to_thread(ends.tell, {A: 6})
    await asyncio.wait_for(waiting, LONG_S)
    await ends.wait({A: 6}, 0.0)  # as long as it may, and no longer


async def test_who_waits_goes_on_where_nobody_tells_any_more() -> None:
    ends = PublishedEnds(["annals.documents"])
    ends.tell({})
    ends.tell({A: 5})
    waiting = asyncio.create_task(ends.wait({A: 5}, LONG_S))
    await asyncio.sleep(0)
    ends.tell(None)
    await asyncio.wait_for(waiting, LONG_S)


async def test_a_fetch_of_what_was_told_is_answered_at_once_and_one_in_vain_takes_its_time() -> None:
    consumer: Any = SimpleNamespace(_fetcher=SimpleNamespace(_fetch_max_wait_ms=FETCH_WAIT_MS))
    ends = PublishedEnds(["annals.documents"])
    ends.tell({})
    answers = [(0, 0, 5, b"records"), (0, 0, 5, b""), (0, 0, 5, b"")]

    async def send(node_id: int, request: Any, **_: Any) -> Any:
        return SimpleNamespace(topics=[("annals.documents", [answers.pop(0)])])

    fetches = IdleWait(consumer, send, ends)
    waits = []
    for offset, told in ((3, 5), (5, 6), (5, 6)):
        ends.tell({A: told})
        await fetches(1, FetchRequest(0, 1, 1024, 0, [("annals.documents", [(0, offset, 1024)])]))
        waits.append(consumer._fetcher._fetch_max_wait_ms)
    assert waits == [TOLD_FETCH_WAIT_MS, FETCH_WAIT_MS, FETCH_WAIT_MS]


async def test_records_come_as_soon_as_they_are_told_of_and_in_the_end_untold(
    broker: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("annals.documents", 2, 1)])["annals.documents"].result(30)
    app: Any = build_app("told", broker.address, {}, Path("unused"))
    app.published.tell({})
    consumer = app.consumer._new_consumer_thread()._create_consumer(asyncio.get_running_loop())
    producer = Producer({"bootstrap.servers": broker.address})
    partition = TopicPartition("annals.documents", 0)
    await consumer.start()
    consumer.assign([partition])
    await consumer.seek_to_beginning()
    try:
        async with asyncio.timeout(60):
            for limit_s in (LONG_S, 0.1):
                while app.published.has_more({A: await consumer.position(partition)}):  # noqa: ASYNC110  # it tells nobody
                    await asyncio.sleep(0.01)
                monkeypatch.setattr(transport, "UNTOLD_S", limit_s)
                producer.produce(partition.topic, b"value", partition=0)
                await asyncio.to_thread(producer.flush)
                began = time.monotonic()
                if limit_s == LONG_S:
                    app.published.tell({A: await consumer.position(partition) + 1})
                else:
                    app.published.tell({})
                assert (await consumer.getone()).value == b"value"
                assert time.monotonic() - began < LONG_S / 2
    finally:
        await consumer.stop()
