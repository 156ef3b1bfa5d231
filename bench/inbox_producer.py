"""A producer as any Kafka client is one: documents into the inbox, one at a time or so many a second."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from confluent_kafka import Producer

from bench.corpus import passages

FLUSH_LIMIT_S = 30.0
_TEXTS = [passage.text[passage.facts[1].start : passage.facts[1].end] for passage in passages(4000, seed=13)]


def short_text(number: int) -> str:
    """One sentence of about 25 words, another one for each number, with a word that no other document has."""
    return f"{_TEXTS[number % len(_TEXTS)]} It is paper {word(number)}."


def word(number: int) -> str:
    """The word that `short_text` has alone."""
    return f"paper{number}x"


class InboxProducer:
    """Writes `DocumentIngested`; `sent` counts what was handed over."""

    def __init__(self, broker: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer({"bootstrap.servers": broker, "log_level": 0})
        self._failed: list[str] = []
        self.sent = 0

    def send(self, document_id: str, title: str, text: str) -> None:
        """Hand one over; it is on its way within librdkafka's usual 5 ms. Raises BufferError."""
        event = {
            "event_id": str(uuid4()),
            "event_type": "DocumentIngested",
            "aggregate_id": document_id,
            "event_data": {"title": title, "text": text},
            "timestamp": datetime.now(UTC).isoformat(),
        }
        self._producer.produce(self._topic, json.dumps(event), document_id, on_delivery=self._delivered)
        self._producer.poll(0)
        self.sent += 1

    async def flush(self) -> None:
        """Wait until the broker has all of them. Raises RuntimeError where it has not."""
        left = await asyncio.to_thread(self._producer.flush, FLUSH_LIMIT_S)
        if left or self._failed:
            raise RuntimeError(f"{left} documents were not delivered in time, {len(self._failed)} not at all")

    @contextlib.asynccontextmanager
    async def sending(self, per_second: float, numbers: Callable[[], int]) -> AsyncIterator[None]:
        """Short documents at an even pace, named by `numbers`, for as long as the context lasts.

        Those that a busy machine was too late for follow at once, so as many are sent as are due.
        """
        task = asyncio.create_task(self._send(per_second, numbers))
        try:
            yield
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _send(self, per_second: float, numbers: Callable[[], int]) -> None:
        began, due = time.monotonic(), 0
        while True:
            number = numbers()
            self.send(f"short-{number}", f"Paper {number}", short_text(number))
            due += 1
            await asyncio.sleep(began + due / per_second - time.monotonic())

    def _delivered(self, error: Any, _: Any) -> None:
        if error is not None:
            self._failed.append(str(error))
