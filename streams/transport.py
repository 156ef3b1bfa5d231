"""Faust's Kafka transport, with a shorter wait for messages.

Faust has a broker hold each fetch for up to 1.5 s and has no setting for that. Kafka answers as soon as there is
something. The embedded broker looks again only now and then within the time that it is given: where it may hold a fetch
for 1.5 s, a hop of an event took 0.33 s in the median; for 0.25 s it is 0.03 s, for 0.1 s 0.014 s, and each look costs
processor time. So it may hold one for a tenth of a second while there is something to read, and longer when there was
nothing for a while. Where the relay says what it published (see `PublishedEnds`), a fetch is not even sent before there
is something to be had by it, and then answered at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import faust
import uvloop
from aiokafka import TopicPartition
from aiokafka.protocol.fetch import FetchRequest
from faust.transport.drivers import aiokafka as driver

from contracts.topics import Partition
from streams.published import PublishedEnds

FETCH_WAIT_MS = 100
IDLE_FETCH_WAIT_MS = 250
IDLE_AFTER = 10
"""Fetches in a row that brought nothing."""
TOLD_FETCH_WAIT_MS = 1
"""Of a fetch that is sent since there is something: of no time at all, the embedded broker answers with nothing."""
UNTOLD_S = 0.5
"""A fetch is sent after that all the same: a notification may be lost, and what is published once more is not told."""

Send = Callable[..., Awaitable[Any]]


class IdleWait:
    """A client's `send` that sees what fetches bring: those of `consumer` wait longer after some for nothing, and are
    not sent before there may be anything.
    """

    def __init__(self, consumer: Any, send: Send, published: PublishedEnds) -> None:
        self._consumer, self._send, self._published = consumer, send, published
        self._in_vain = 0

    async def __call__(self, node_id: Any, request: Any, **options: Any) -> Any:
        """As the client's."""
        if not isinstance(request, FetchRequest):
            return await self._send(node_id, request, **options)
        offsets = {(topic, one[0]): one[1] for topic, partitions in request.topics for one in partitions}
        await self._published.wait(offsets, UNTOLD_S)
        response = await self._send(node_id, request, **options)
        answers = [((topic, part[0]), part) for topic, partitions in response.topics for part in partitions]
        self._published.see({partition: part[2] for partition, part in answers if part[1] == 0})
        brought = any(part[-1] for _, part in answers)
        self._in_vain = 0 if brought else self._in_vain + 1
        self._consumer._fetcher._fetch_max_wait_ms = self._next_wait_ms(offsets)
        return response

    def _next_wait_ms(self, offsets: Mapping[Partition, int]) -> int:
        # What was told of and did not come may take its time.
        if self._published.speaks_for(offsets) and not (self._in_vain and self._published.has_more(offsets)):
            return TOLD_FETCH_WAIT_MS
        return FETCH_WAIT_MS if self._in_vain < IDLE_AFTER else IDLE_FETCH_WAIT_MS


def _assignment_of(consumer: Any) -> Any:
    """aiokafka's, looked at once: a rebalance may take it away between two looks, as its own `assignment` has them."""
    subscription = consumer._subscription.subscription
    return None if subscription is None else subscription.assignment


class PromptConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's, whose consumer is told how long to wait before it connects."""

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
        consumer = super()._create_consumer(loop)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        app: Any = self.app
        consumer._client.send = IdleWait(consumer, consumer._client.send, app.published)
        return consumer

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """As Faust's; and where nothing is committed, to the beginning instead of staying where it is."""
        committed: Mapping[Any, int] = await super().seek_to_committed()
        if new := [partition for partition, offset in committed.items() if not offset or offset < 0]:
            await self.seek_to_beginning(*new)
        return committed

    def verify_event_path(self, now: float, tp: Any) -> None:
        """As Faust's, of a partition that is read from: while aiokafka asks where to read on it has no position, and
        after a rebalance no state of one that is gone; Faust would crash by that."""
        assignment = _assignment_of(self._ensure_consumer())
        state = None if assignment is None else assignment.state_value(TopicPartition(tp.topic, tp.partition))
        if state is not None and state.has_valid_position:
            super().verify_event_path(now, tp)


class PromptConsumer(driver.Consumer):
    """Faust's, on that thread."""

    def _new_consumer_thread(self) -> PromptConsumerThread:
        return PromptConsumerThread(self, loop=self.loop, thread_loop=uvloop.new_event_loop(), beacon=self.beacon)


class PromptTransport(driver.Transport):
    """Faust's, with that consumer."""

    Consumer = PromptConsumer


class PromptApp(faust.App):
    """Faust's, with that transport, which is made when the app knows its event loop."""

    published: PublishedEnds
    """What is told to it; `build_app` sets it."""

    def assigned(self) -> frozenset[Partition]:
        """The partitions that are this worker's now. May be called by any thread."""
        assignment = self._present_assignment()
        return frozenset((one.topic, one.partition) for one in assignment.tps) if assignment else frozenset()

    def positions(self) -> dict[Partition, int]:
        """Up to where each of these was read, where that is known: messages were delivered, and what is none passed
        over. May be called by any thread."""
        assignment = self._present_assignment()
        found = {one: assignment.state_value(one)._position for one in assignment.tps} if assignment else {}
        return {(one.topic, one.partition): position for one, position in found.items() if position is not None}

    def _present_assignment(self) -> Any:
        # Both are there only once they run; `self.consumer` would make one.
        consumer: Any = self._consumer
        if consumer is None or consumer._thread._consumer is None:
            return None
        return _assignment_of(consumer._thread._consumer)

    def is_member(self) -> bool:
        """Whether this worker is in its consumer group: what coordinates it goes on, and heartbeats are sent. May be
        called by any thread.

        False while it joins, and for good where aiokafka waits for somebody to take note of an error (its
        `_push_error_to_user`), which Faust does only while it has partitions to read.
        """
        consumer: Any = self._consumer
        coordinator = getattr(consumer and consumer._thread._consumer, "_coordinator", None)
        if coordinator is None or coordinator._coordination_task.done() or coordinator._pending_exception is not None:
            return False
        heartbeats = coordinator._heartbeat_task
        return heartbeats is not None and not heartbeats.done()

    def resume(self) -> None:
        """Do again what Faust does at the end of a rebalance: seek to what is committed, let messages come.

        Faust leaves partitions paused for good where its seek fails since another rebalance is under way, when that one
        is over before it looks (`except IllegalStateError` in `faust.tables.recovery`).
        """
        tables: Any = self.tables
        recovery = tables.recovery
        recovery._generation_id = self.consumer_generation_id
        recovery.signal_recovery_start.set()

    def _new_transport(self) -> PromptTransport:
        return PromptTransport(self.conf.broker_consumer, self, loop=self.loop)
