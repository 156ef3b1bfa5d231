"""Deciding and appending: load the state, let the aggregate decide, append; again where somebody was faster."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeVar

from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from contracts.envelope import DomainEvent
from eventstore.errors import ConflictError, DuplicateEventError, KeysChangedError, VersionConflictError
from eventstore.keys import AggregateKey
from eventstore.log import EventLog
from eventstore.reader import EventReader, Project
from eventstore.recorder import Recorded
from eventstore.sealed_events import SEALED_KINDS
from eventstore.stream_keys import StreamKeys, ids_of

State = TypeVar("State")
Decide = Callable[[Any], Sequence[DomainEvent]]

TRIES = 6
_UNKNOWN = object()


@dataclass(frozen=True, slots=True)
class Command:
    """One decision to be made on one aggregate. `state` spares a load where the caller has just made it."""

    key: AggregateKey
    project: Project[Any]
    decide: Decide
    state: Any = _UNKNOWN


class Commands:
    """The only writer of the log. Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, log: EventLog, reader: EventReader, keys: StreamKeys | None = None) -> None:
        """`keys` seal what is appended; without them it stays in the clear."""
        self._log = log
        self._reader = reader
        self._keys, self._ids = keys, ids_of(keys)
        # The library is synchronous; its pool has as many connections as there are threads here.
        self._threads = ThreadPoolExecutor(max_workers=3, thread_name_prefix="log")

    def close(self) -> None:
        """End the threads; what they do now is finished."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def load_in_batches(
        self, keys: Iterable[AggregateKey], project: Project[State]
    ) -> AsyncIterator[dict[AggregateKey, State]]:
        """The present states of several aggregates, as many at a time as have BATCH_BYTES of events, or a single one.

        Those that have none are left out.
        """
        async for states in self._reader.states(keys, project):
            yield states

    async def versions(self, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
        """The present version of each aggregate; those that have none are left out."""
        return await self._reader.last.versions(keys)

    async def execute(self, command: Command) -> list[DomainEvent]:
        """Decide and append; returns what was appended, with positions and times. Raises ConflictError."""
        return (await self.execute_many([command]))[0]

    async def execute_many(self, commands: Sequence[Command]) -> list[list[DomainEvent]]:
        """Decide on several different aggregates and append in one transaction; a list of events for each.

        Where somebody was faster on one of them, they are decided one by one on fresh state. Raises ConflictError.
        """
        try:
            decided, stored = await self._together(commands)
        except (VersionConflictError, DuplicateEventError):
            return [await self._appended(command) for command in commands]
        recorded = iter(stored)
        return [[event.at(*next(recorded)) for event in events] for events in decided]

    async def store_many(self, commands: Sequence[Command]) -> None:
        """As `execute_many`, where decisions may be of more events than memory should hold: none comes back."""
        try:
            await self._together(commands)
        except (VersionConflictError, DuplicateEventError):
            for command in commands:
                await self._alone(command)

    async def _together(self, commands: Sequence[Command]) -> tuple[list[Sequence[DomainEvent]], list[Recorded]]:
        """What was decided, and where and when all of it was recorded."""
        states = await self._states(commands)
        decided = [command.decide(state) for command, state in zip(commands, states, strict=True)]
        changed = [
            (command.key, state is not None)
            for command, state, events in zip(commands, states, decided, strict=True)
            if events
        ]
        return decided, await self._store(lambda: chain.from_iterable(decided), changed)

    async def _states(self, commands: Sequence[Command]) -> list[Any]:
        unknown = {command.key: command.project for command in commands if command.state is _UNKNOWN}
        loaded: dict[AggregateKey, Any] = {}
        for project in dict.fromkeys(unknown.values()):
            async for states in self._reader.states([key for key, own in unknown.items() if own is project], project):
                loaded.update(states)
        return [loaded.get(command.key) if command.state is _UNKNOWN else command.state for command in commands]

    async def _appended(self, command: Command) -> list[DomainEvent]:
        events, recorded = await self._alone(command)
        if recorded is not None:
            return [event.at(*one) for event, one in zip(events, recorded, strict=True)]
        stored = await self._reader.by_event_ids(command.key, (event.event_id for event in events))
        return [stored[event.event_id] for event in events]

    async def _alone(self, command: Command) -> tuple[Sequence[DomainEvent], list[Recorded] | None]:
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

    async def _once(self, command: Command) -> tuple[Sequence[DomainEvent], list[Recorded] | None]:
        """What was decided, and where and when it was recorded; None where it had been stored before."""
        (state,) = await self._states([replace(command, state=_UNKNOWN)])
        events = command.decide(state)
        # The database may have taken them although its answer was lost on the way.
        stored = await self._reader.count_of_ids(command.key, (event.event_id for event in events)) if events else 0
        if events and stored == len(events):
            return events, None
        return events, await self._store(lambda: events, [(command.key, state is not None)] if events else [])

    async def _store(
        self, events: Callable[[], Iterable[DomainEvent]], changed: Sequence[tuple[AggregateKey, bool]]
    ) -> list[Recorded]:
        """`changed`: the aggregates that they are of, and whether there are events of each already.

        Raises VersionConflictError where a key of one was destroyed: nobody knows what it is now.
        """
        streams = {self._ids.stream(key): key.tenant for key, _ in changed if key.kind in SEALED_KINDS}
        begun = {self._ids.stream(key) for key, there in changed if there}
        loop = asyncio.get_running_loop()
        if self._keys is None or not streams:
            return await loop.run_in_executor(self._threads, self._log.store, events())
        keys = await self._keys.for_appending(streams, begun)
        try:
            recorded = await loop.run_in_executor(self._threads, self._log.store, events(), keys)
        except KeysChangedError as error:
            self._keys.forget()
            raise VersionConflictError(str(error)) from error
        self._keys.stored(keys, streams)
        return recorded
