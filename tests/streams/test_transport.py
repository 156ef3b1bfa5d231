"""Fetches wait longer once there was nothing for a while, and the embedded broker answers them all the same."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.fetch import FetchRequest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from faust.types import TP

from streams.app import build_app
from streams.published import PublishedEnds
from streams.transport import FETCH_WAIT_MS, IDLE_AFTER, IDLE_FETCH_WAIT_MS, IdleWait
from tests.conftest import BrokerServer

FETCH = FetchRequest(0, 1, 1024, 0, [("annals.test", [(0, 7, 1024)])])
COMMIT = OffsetCommitRequest("g", 1, "m", -1, [])


class Client:
    """Answers each fetch with the next of some records."""

    def __init__(self, records: Sequence[bytes]) -> None:
        self._records = list(records)

    async def send(self, node_id: int, request: Any, **_: Any) -> Any:
        """As a broker says it: topics, their partitions, and last in each its records."""
        return SimpleNamespace(topics=[("annals.test", [(0, 0, 0, b""), (1, 0, 0, self._records.pop(0))])])


async def test_fetches_wait_longer_after_some_for_nothing_until_one_brings_something() -> None:
    consumer: Any = SimpleNamespace(_fetcher=SimpleNamespace(_fetch_max_wait_ms=FETCH_WAIT_MS))
    send = IdleWait(consumer, Client([*[b""] * IDLE_AFTER, b"none of a fetch", b"records"]).send, PublishedEnds())
    waits = []
    for request in (*[FETCH] * IDLE_AFTER, COMMIT, FETCH):
        await send(1, request, group=0)
        waits.append(consumer._fetcher._fetch_max_wait_ms)
    assert waits == [*[FETCH_WAIT_MS] * (IDLE_AFTER - 1), *[IDLE_FETCH_WAIT_MS] * 2, FETCH_WAIT_MS]


async def test_records_come_from_the_embedded_broker_also_after_a_while_of_nothing(broker: BrokerServer) -> None:
    """What a broker makes of a wait is its own affair: of none at all, the embedded one answers with nothing."""
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("annals.waits", 2, 1)])["annals.waits"].result(30)
    app: Any = build_app("waits", broker.address, {}, Path("unused"))
    consumer = app.consumer._new_consumer_thread()._create_consumer(asyncio.get_running_loop())
    consumer.subscribe(["annals.waits"])
    producer = Producer({"bootstrap.servers": broker.address})
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            for wait_ms in (FETCH_WAIT_MS, IDLE_FETCH_WAIT_MS):
                while consumer._fetcher._fetch_max_wait_ms < wait_ms:  # noqa: ASYNC110  # it tells nobody
                    await asyncio.sleep(0.05)
                producer.produce("annals.waits", b"value")
                await asyncio.to_thread(producer.flush)
                assert (await consumer.getone()).value == b"value"
    finally:
        await consumer.stop()


async def test_who_waits_for_somebody_to_take_note_of_an_error_is_no_member(broker: BrokerServer) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("annals.members", 2, 1)])["annals.members"].result(30)
    app: Any = build_app("members", broker.address, {}, Path("unused"))
    assert not app.is_member(), "before it has a consumer"
    consumer = app.consumer._new_consumer_thread()._create_consumer(asyncio.get_running_loop())
    app._consumer = SimpleNamespace(_thread=SimpleNamespace(_consumer=consumer))
    consumer.subscribe(["annals.members"])
    assert not app.is_member(), "before it has joined"
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            while not app.is_member():  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.05)
        waiting = asyncio.ensure_future(consumer._coordinator._push_error_to_user(KafkaError("of no known kind")))
        await asyncio.sleep(0)
        assert not app.is_member()
        waiting.cancel()
    finally:
        await consumer.stop()


async def test_what_is_assigned_and_how_far_it_was_read_is_told(broker: BrokerServer) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("annals.read", 2, 1)])["annals.read"].result(30)
    app: Any = build_app("read", broker.address, {}, Path("unused"))
    assert (app.assigned(), app.positions()) == (frozenset(), {}), "before it has a consumer"
    consumer = app.consumer._new_consumer_thread()._create_consumer(asyncio.get_running_loop())
    app._consumer = SimpleNamespace(_thread=SimpleNamespace(_consumer=consumer))
    consumer.subscribe(["annals.read"])
    assert (app.assigned(), app.positions()) == (frozenset(), {}), "before it has joined"
    await consumer.start()
    try:
        producer = Producer({"bootstrap.servers": broker.address})
        for _ in range(3):
            producer.produce("annals.read", b"value", partition=1)
        await asyncio.to_thread(producer.flush)
        async with asyncio.timeout(60):
            for _ in range(3):
                await consumer.getone()
            while len(app.positions()) < 2:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.05)
        assert app.assigned() == {("annals.read", 0), ("annals.read", 1)}
        assert app.positions() == {("annals.read", 0): 0, ("annals.read", 1): 3}
    finally:
        await consumer.stop()


async def test_a_partition_without_a_position_is_no_reason_to_crash() -> None:
    """Faust looks every few seconds whether partitions move; where one is to be read on may be asked for just then."""
    app: Any = build_app("positions", "127.0.0.1:1", {}, Path("unused"))
    thread = app.consumer._new_consumer_thread()
    thread._consumer = consumer = thread._create_consumer(asyncio.get_running_loop())
    consumer.assign([read := TopicPartition("annals.new", 0)])
    consumer._subscription.subscription.assignment.state_value(read).timestamp = int(1000 * time.time())
    # As a start leaves them.
    consumer._fetcher, thread.time_started = SimpleNamespace(_subscriptions=consumer._subscription), time.monotonic()
    for partition in (TP("annals.new", 0), TP("annals.gone", 0)):
        thread.verify_event_path(time.monotonic(), partition)


async def test_who_joins_later_gets_a_share(broker: BrokerServer) -> None:
    """One after the other, each when those before it have their partitions."""
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("annals.shares", 4, 1)])["annals.shares"].result(30)
    consumers: list[Any] = []

    async def share_out() -> list[int]:
        async with asyncio.timeout(60):
            while not all(counts := [len(one.assignment()) for one in consumers]) or sum(counts) != 4:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return sorted(counts)

    try:
        for expected in ([4], [2, 2], [1, 1, 2]):
            app: Any = build_app("shares", broker.address, {}, Path("unused"))
            consumers.append(app.consumer._new_consumer_thread()._create_consumer(asyncio.get_running_loop()))
            consumers[-1].subscribe(["annals.shares"])
            await consumers[-1].start()
            assert await share_out() == expected
    finally:
        for consumer in consumers:
            await consumer.stop()
