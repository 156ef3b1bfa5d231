"""From a topic to all consumers of it: an event comes through Faust once, is decoded once, and is acknowledged once.

What Faust does for an event costs more than what most consumers do with it, and each agent that followed the topic paid
it again.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from streams.batch_consumer import BatchConsumer
from streams.message import as_message


class SharedEvent:
    """Faust's event, acknowledged when as many consumers have processed it as it was delivered to.

    Each of them releases the events of a partition in their order, so they are acknowledged in their order.
    """

    __slots__ = ("_event", "_left", "_stream")

    def __init__(self, stream: Any, event: Any, consumers: int) -> None:
        self._stream = stream
        self._event = event
        self._left = consumers

    async def processed(self) -> None:
        """By one more of them."""
        self._left -= 1
        if self._left == 0:
            await self._stream.ack(self._event)


class FanOut:
    """Delivers the topics of a process to its consumers. One of them that is full holds its topics back."""

    def __init__(self, consumers: Sequence[BatchConsumer[Any]]) -> None:
        self.topics = tuple(dict.fromkeys(topic for consumer in consumers for topic in consumer.handler.topics))
        self._consumers = consumers
        self._at_rest = list(consumers)

    def followers(self, topic: str) -> list[BatchConsumer[Any]]:
        """The consumers of a topic."""
        return [consumer for consumer in self._consumers if topic in consumer.handler.topics]

    async def run(self, topic: str, stream: Any) -> None:
        """Read the topic's `stream` for as long as it lasts. Raises what ends the worker.

        Faust's own `take` acknowledges a batch even when it was cancelled or raised (faust-streaming #189, #315), so
        the stream runs without automatic acknowledgement.
        """
        followers = self.followers(topic)
        async with asyncio.TaskGroup() as tasks:
            for consumer in followers:
                if consumer in self._at_rest:
                    self._at_rest.remove(consumer)
                    tasks.create_task(consumer.run())
            async for event in stream.noack().events():
                message = as_message(event.message)
                shared = SharedEvent(stream, event, len(followers))
                for consumer in followers:
                    await consumer.deliver(message, shared)
