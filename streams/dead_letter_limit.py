"""A limit on dead letters, so that a bad release does not drain a topic into them (after arroyo's `DlqLimit`)."""

import asyncio
import logging
import random
from collections import deque
from dataclasses import dataclass

from contracts.paused_consumer import PausedConsumer
from eventstore.paused_consumers import PausedConsumers
from telemetry import metrics

log = logging.getLogger(__name__)

POLL_S = 1.0
CAUSE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class DeadLetterPolicy:
    """Over its last `window` messages a consumer may set aside `least`, or a `share` of them where that is more."""

    share: float
    least: int
    window: int = 1000

    def is_exceeded(self, dead_letters: int, messages: int) -> bool:
        """Whether these are too many of so many messages."""
        return dead_letters > self.least and dead_letters > self.share * messages


EVENTS = DeadLetterPolicy(share=0.5, least=50)
"""Events are our own: where most of them fail, we are at fault."""
INBOX = DeadLetterPolicy(share=0.9, least=250)
"""Producers write what they like, so most of a topic may be malformed; but hardly all of it."""


class DeadLetterLimit:
    """Counts what one consumer set aside, and pauses the consumer where it is too much.

    A paused consumer handles nothing more and acknowledges nothing. It goes on when it is released (`annals
    dead-letters resume`) or when a process of it is started, counting from nothing. Other processes of the same
    consumer go on until they would set something aside.
    """

    def __init__(self, consumer: str, paused: PausedConsumers, policy: DeadLetterPolicy) -> None:
        self._consumer = consumer
        self._paused = paused
        self._policy = policy
        self._recent: deque[bool] = deque(maxlen=policy.window)
        self._released = asyncio.Event()
        self._released.set()

    @property
    def is_paused(self) -> bool:
        """Whether this process waits to be released."""
        return not self._released.is_set()

    def handled(self, messages: int) -> None:
        """So many messages went well."""
        self._recent.extend([False] * min(messages, self._policy.window))

    async def released(self) -> None:
        """Return once the consumer is not paused."""
        await self._released.wait()

    def failed(self) -> None:
        """A message is to be set aside."""
        self._recent.append(True)

    async def admit(self, cause: str) -> None:
        """Return once a message may be set aside: at once, or when the paused consumer is released.

        May be asked again. Raises StoreUnavailableError.
        """
        await self._released.wait()
        dead_letters, messages = sum(self._recent), len(self._recent)
        paused = PausedConsumer(self._consumer, dead_letters, messages, cause[:CAUSE_CHARACTERS])
        if self._policy.is_exceeded(dead_letters, messages):
            await self._paused.pause(paused)
        elif not await self._paused.is_paused(self._consumer):
            return
        log.error("%s", paused)
        await self._wait()
        log.warning("%s goes on", self._consumer)

    async def _wait(self) -> None:
        self._released.clear()
        metrics.PAUSED.labels(self._consumer).set(1)
        try:
            paused = True
            while paused:
                await asyncio.sleep(POLL_S * random.uniform(0.5, 1.0))
                paused = await self._paused.is_paused(self._consumer)
        finally:
            self._recent.clear()
            self._released.set()
            metrics.PAUSED.labels(self._consumer).set(0)
