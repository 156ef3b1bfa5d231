"""Faust's Kafka transport, with a shorter wait for messages.

Faust has a broker hold each fetch for up to 1.5 s and has no setting for that. Kafka answers as soon as there is
something. The embedded broker (Tansu 0.6.0, `tansu-storage/src/service/fetch.rs`) looks at once and once more at the
end, and always lets the whole time pass, whatever it has found: held for a tenth of a second, each hop of an event took
that long, and an idle consumer had every partition looked at twice. So it is asked without waiting, again after a pause
that grows while there is nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import faust
from aiokafka.protocol.fetch import FetchRequest
from faust.transport.drivers import aiokafka as driver

from contracts.topics import Partition

FETCH_WAIT_MS = 100
"""Of Kafka, which answers earlier where it has something."""
LEAST_PAUSE_S = 0.02
MOST_PAUSE_S = 0.1

Send = Callable[..., Awaitable[Any]]


class Polling:
    """A client's `send` that pauses after each fetch that brought nothing: the longer, the more of them in a row."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._pause_s = LEAST_PAUSE_S

    async def __call__(self, node_id: Any, request: Any, **options: Any) -> Any:
        """As the client's."""
        response = await self._send(node_id, request, **options)
        if isinstance(request, FetchRequest):
            if any(part[-1] for _, partitions in response.topics for part in partitions):
                self._pause_s = LEAST_PAUSE_S
            else:
                await asyncio.sleep(self._pause_s)
                self._pause_s = min(2 * self._pause_s, MOST_PAUSE_S)
        return response


class PromptConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's, whose consumer is told how long to wait before it connects."""

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
        consumer = super()._create_consumer(loop)
        app: Any = self.app
        if app.polls:
            consumer._fetch_max_wait_ms = 0
            consumer._client.send = Polling(consumer._client.send)
        else:
            consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """As Faust's; and where nothing is committed, to the beginning instead of staying where it is."""
        committed: Mapping[Any, int] = await super().seek_to_committed()
        if new := [partition for partition, offset in committed.items() if not offset or offset < 0]:
            await self.seek_to_beginning(*new)
        return committed


class PromptConsumer(driver.Consumer):
    """Faust's, on that thread."""

    def _new_consumer_thread(self) -> PromptConsumerThread:
        return PromptConsumerThread(self, loop=self.loop, beacon=self.beacon)


class PromptTransport(driver.Transport):
    """Faust's, with that consumer."""

    Consumer = PromptConsumer


class PromptApp(faust.App):
    """Faust's, with that transport, which is made when the app knows its event loop.

    `polls`: of a broker that lets the time of a fetch pass whatever it has, as the embedded one.
    """

    polls = False

    def assigned(self) -> frozenset[Partition]:
        """The partitions that are this worker's now. May be called by any thread."""
        # Both are there only once they run; `self.consumer` would make one.
        consumer: Any = self._consumer
        if consumer is None or consumer._thread._consumer is None:
            return frozenset()
        return frozenset((one.topic, one.partition) for one in consumer.assignment())

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
