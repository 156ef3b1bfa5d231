"""Handwritten stand-ins for what Faust, the databases and the broker give: small, and honest about order."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from contracts.codec import MalformedEventError, NewerSchemaError
from contracts.paused_consumer import PausedConsumer
from contracts.topics import Partition
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.paused_consumers import PausedConsumers
from streams.handler import BATCH_BYTES
from streams.message import Message

TOPIC = "annals.test"


def message(offset: int, value: bytes = b"fine", partition: int = 0, **headers: bytes) -> Message:
    """A record; its log position is its offset plus 100. Its key is what its value begins with, up to a colon."""
    return Message(
        topic=TOPIC,
        partition=partition,
        offset=offset,
        timestamp=1,
        key=value.partition(b":")[0],
        value=value,
        headers={"position": str(offset + 100).encode(), **headers},
    )


class Paused(PausedConsumers):
    """Paused consumers by name."""

    def __init__(self) -> None:
        self.consumers: dict[str, PausedConsumer] = {}

    async def pause(self, paused: PausedConsumer) -> None:
        """The first reason is kept."""
        self.consumers.setdefault(paused.consumer, paused)

    async def release(self, consumers: Sequence[str]) -> list[str]:
        """Those that were paused."""
        return [name for name in consumers if self.consumers.pop(name, None) is not None]

    async def is_paused(self, consumer: str) -> bool:
        """Whether it is."""
        return consumer in self.consumers


class Letters(DeadLetters):
    """Dead letters in a list. `failures` are raised one a call."""

    def __init__(self) -> None:
        self.paused: Paused = Paused()
        self.failures: list[Exception] = []
        self.set_aside: list[DeadLetter] = []
        self.resolved: list[tuple[str, int | None]] = []
        self.retrying: dict[int, DeadLetter] = {}

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep them all."""
        if self.failures:
            raise self.failures.pop(0)
        self.set_aside.extend(letters)

    async def numbered(self, number: int) -> DeadLetter | None:
        """One whose retry was published; see `retry_of`."""
        return self.retrying.get(number)

    def retry_of(self, letter_id: int, offset: int, value: bytes) -> Message:
        """The retry of a letter with this value, as the relay publishes it."""
        retried = message(offset, value, dead_letter=str(letter_id).encode(), retry_token=b"token")
        self.retrying[letter_id] = DeadLetter(
            consumer="recorder",
            identity=str(letter_id),
            topic=retried.topic,
            partition=0,
            offset=0,
            key=retried.key,
            value=value,
            error="E",
            cause="why",
            id=letter_id,
            retry_token="token",
        )
        return retried

    async def resolve(self, letter: DeadLetter) -> None:
        """Remember who resolved which."""
        if self.failures:
            raise self.failures.pop(0)
        self.resolved.append((letter.consumer, letter.id))


@dataclass
class Recorder:
    """A handler that remembers each call. `failures` are raised one a call; an item in `poison` always fails.

    A value of more than `large_bytes` is large, and handled only while `large_gate` is open.
    """

    name: str = "recorder"
    large_bytes: int | None = 100
    batch_bytes: int = BATCH_BYTES
    gathers_s: float = 0.0
    apart_s: float = 0.0
    topics: tuple[str, ...] = (TOPIC,)
    event_types: frozenset[str] = frozenset()
    poison: frozenset[str] = frozenset()
    failures: list[Exception] = field(default_factory=list)
    calls: list[tuple[list[str], dict[Partition, int]]] = field(default_factory=list)
    handled: list[str] = field(default_factory=list)
    may_go: asyncio.Event = field(default_factory=asyncio.Event)
    large_gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_go.set()
        self.large_gate.set()

    def read(self, message: Message) -> str | None:
        """`skip...` is none of its business, `broken...` is malformed, `newer...` is for a newer Annals."""
        text = (message.value or b"").decode()
        if text.startswith("newer"):
            raise NewerSchemaError(text)
        if text.startswith("broken"):
            raise MalformedEventError(f"{text}: Field required")
        return None if text.startswith("skip") else text

    def size(self, message: Message, item: str) -> int:
        """Its bytes."""
        return len(item)

    async def handle(self, items: Sequence[str], positions: Mapping[Partition, int]) -> None:
        """Fail as told, else remember."""
        self.calls.append((list(items), dict(positions)))
        await self.may_go.wait()
        if any(len(item) > (self.large_bytes or 0) for item in items):
            await self.large_gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        bad = sorted(self.poison & set(items))
        if bad:
            raise ValueError(f"cannot handle {bad[0]}")
        self.handled.extend(items)


class Stream:
    """A Faust stream as the batch consumer sees it: delivers, waits for ever, remembers what was acknowledged."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self.delivered = 0
        self.acknowledged: list[int] = []
        self.automatic = True

    def noack(self) -> "Stream":
        """Without this Faust acknowledges by itself."""
        self.automatic = False
        return self

    async def events(self) -> AsyncIterator[Any]:
        """Each record as Faust's event around a message."""
        for sent in self._messages:
            self.delivered += 1
            yield SimpleNamespace(message=sent)
            await asyncio.sleep(0)
        await asyncio.Event().wait()

    async def ack(self, event: Any) -> bool:
        """Remember its offset."""
        self.acknowledged.append(event.message.offset)
        return True
