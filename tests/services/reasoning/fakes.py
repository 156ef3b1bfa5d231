"""What an ask service works with, each of which can be away or hang."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Literal, cast

from contracts.envelope import DomainEvent
from contracts.event_types import AggregateKind
from eventstore.commands import Command
from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from eventstore.texts import TextStore
from projections.relational.reads import RelationalReader
from projections.vector.reads import PassageReader
from reasoning.engine import Draft, Reasoner, without_generator
from reasoning.results import Answer
from reasoning.visible import Visible
from services.citations import Citations
from services.rate_limits import Grant
from services.reasoning.answer_documents import AnswerDocuments

Way = Literal["answers", "is away", "hangs"]
NEVER_S = 600.0
"""Longer than any limit of a test."""
ANSWER = Answer("Hanno Brill.", 0.9, (), (), "0" * 64)


async def until(ready: Callable[[], Awaitable[bool]], limit_s: float = 30.0) -> None:
    """Ask again until it is so. Raises TimeoutError."""
    async with asyncio.timeout(limit_s):
        while True:
            if await ready():
                return
            await asyncio.sleep(0.02)


async def behave(way: Way) -> None:
    """Return, fail, or say nothing."""
    if way == "is away":
        raise StoreUnavailableError
    if way == "hangs":
        await asyncio.sleep(NEVER_S)


class Log:
    """Takes each query's events once. `tries` counts the calls."""

    def __init__(self, way: Way = "answers") -> None:
        self.way, self.tries = way, 0
        self.stored: dict[str, list[DomainEvent]] = {}

    async def execute(self, command: Command) -> list[DomainEvent]:
        self.tries += 1
        await behave(self.way)
        events = self.stored.setdefault(command.key.aggregate_id, [])
        events += command.decide(command.project(events))
        return events


class Engine(Reasoner):
    """Always the same answer. With a generative model it takes all of the time that it is given, in vain."""

    def __init__(self, way: Way = "answers", *, generates: bool = False) -> None:
        self._way = way
        self._generates = generates
        self.waiting = self.most_waiting = 0

    @property
    def generates(self) -> bool:
        return self._generates

    async def load(self) -> None:
        """Nothing to be loaded."""

    async def state(self, tenant: str, visible: Visible | None = None) -> str:
        await behave(self._way)
        return "state"

    async def draft(self, tenant: str, question: str, k: int = 5, visible: Visible | None = None) -> Draft:
        nothing = cast(Any, None)
        return Draft(ANSWER, "state", question, k, nothing, nothing, nothing)

    async def finish(self, draft: Draft, limit_s: float) -> Answer:
        self.waiting += 1
        self.most_waiting = max(self.waiting, self.most_waiting)
        try:
            await asyncio.sleep(limit_s)
        finally:
            self.waiting -= 1
        return without_generator(draft, "it hangs")


class Events(EventReader):
    """Of a log whose reads behave in one way, and which has no events."""

    def __init__(self, way: Way = "answers") -> None:
        super().__init__(cast(PostgresPool, None))
        self._way = way

    async def of_aggregate(
        self, tenant: str, kind: AggregateKind, aggregate_id: str, after_version: int = 0, limit: int = 0
    ) -> list[DomainEvent]:
        await behave(self._way)
        return []


class Cache:
    """Knows of an earlier question, if it answers."""

    def __init__(self, way: Way = "answers") -> None:
        self._way = way

    async def open(self) -> None:
        return None

    async def keep(self, tenant: str, key: str, query_id: str) -> None:
        return None

    async def find(self, tenant: str, key: str) -> str | None:
        await behave(self._way)
        return "earlier"


class Limits:
    """Lets `allowed` questions through."""

    def __init__(self, way: Way = "answers", *, allowed: bool = True) -> None:
        self._way, self._allowed = way, allowed

    async def open(self) -> None:
        return None

    async def take(self, tenant: str, subject: str, limit: int, per_s: float) -> Grant:
        await behave(self._way)
        return Grant(self._allowed, 0.0 if self._allowed else 7.0, remaining=0, reset_s=7.0)


class NoPassages:
    """There are none."""

    async def passages(
        self, tenant: str, chunk_ids: Sequence[str], collections: Collection[str] | None = None
    ) -> dict[str, object]:
        return {}


class NothingRejected:
    """Nobody called an answer wrong."""

    async def rejected_question(self, tenant: str, cache_key: str) -> str | None:
        return None


def documents() -> AnswerDocuments:
    """Asked for no documents: the answer has no sources."""
    return AnswerDocuments(cast(RelationalReader, NothingRejected()), Citations(cast(TextStore, None)))


def passages() -> PassageReader:
    return cast(PassageReader, NoPassages())
