"""Deciding and appending: load the state, let the aggregate decide, append; again where somebody was faster."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from contracts.envelope import DomainEvent
from eventstore.errors import ConflictError, DuplicateEventError, VersionConflictError
from eventstore.keys import AggregateKey
from eventstore.log import EventLog
from eventstore.reader import EventReader

State = TypeVar("State")
Project = Callable[[Iterable[DomainEvent]], Any]
Decide = Callable[[Any], tuple[DomainEvent, ...]]

TRIES = 6
_UNKNOWN = object()


@dataclass(frozen=True, slots=True)
class Command:
    """One decision to be made on one aggregate. `state` spares a load where the caller has just made it."""

    key: AggregateKey
    project: Project
    decide: Decide
    state: Any = _UNKNOWN


class Commands:
    """The only writer of the log. Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, log: EventLog, reader: EventReader) -> None:
        self._log = log
        self._reader = reader
        # The library is synchronous; its pool has as many connections as there are threads here.
        self._threads = ThreadPoolExecutor(max_workers=3, thread_name_prefix="log")

    def close(self) -> None:
        """End the threads; what they do now is finished."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def load_in_batches(
        self, keys: Iterable[AggregateKey], project: Callable[[Iterable[DomainEvent]], State | None]
    ) -> AsyncIterator[dict[AggregateKey, State]]:
        """The present states of several aggregates, as many at a time as have BATCH_BYTES of events, or a single one.

        Those that have none are left out.
        """
        async for found in self._reader.in_batches(dict.fromkeys(keys, 1)):
            states = ((key, project(events)) for key, events in found.items())
            yield {key: state for key, state in states if state is not None}

    async def execute(self, command: Command) -> list[DomainEvent]:
        """Decide and append; returns what was appended, with positions. Raises ConflictError."""
        return (await self.execute_many([command]))[0]

    async def execute_many(self, commands: Sequence[Command]) -> list[list[DomainEvent]]:
        """Decide on several different aggregates and append in one transaction; a list of events for each.

        Where somebody was faster on one of them, they are decided one by one on fresh state. Raises ConflictError.
        """
        states = await self._states(commands)
        decided = [command.decide(state) for command, state in zip(commands, states, strict=True)]
        try:
            stored = iter(await self._append([event for events in decided for event in events]))
        except (VersionConflictError, DuplicateEventError):
            return [await self._alone(command) for command in commands]
        return [[next(stored) for _ in events] for events in decided]

    async def _states(self, commands: Sequence[Command]) -> list[Any]:
        unknown = {command.key: command.project for command in commands if command.state is _UNKNOWN}
        found = await self._reader.of_aggregates(list(unknown)) if unknown else {}
        loaded = {key: project(found.get(key, ())) for key, project in unknown.items()}
        return [loaded[command.key] if command.state is _UNKNOWN else command.state for command in commands]

    async def _alone(self, command: Command) -> list[DomainEvent]:
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type((VersionConflictError, DuplicateEventError)),
                wait=wait_random_exponential(multiplier=0.02, max=0.5),
                stop=stop_after_attempt(TRIES),
            ):
                with attempt:
                    return await self._once(command)
        except RetryError:
            pass
        raise ConflictError(
            f"{command.key.kind} {command.key.aggregate_id} changed under each of {TRIES} tries; try again"
        )

    async def _once(self, command: Command) -> list[DomainEvent]:
        found = await self._reader.of_aggregates([command.key])
        events = command.decide(command.project(found.get(command.key, ())))
        # The database may have taken them although its answer was lost on the way.
        stored = await self._reader.by_event_ids(command.key, (event.event_id for event in events)) if events else {}
        if events and len(stored) == len(events):
            return [stored[event.event_id] for event in events]
        return await self._append(events)

    async def _append(self, events: Sequence[DomainEvent]) -> list[DomainEvent]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._log.append, events)
