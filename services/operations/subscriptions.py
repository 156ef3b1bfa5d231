"""A tenant's events, given to a Python program as they are appended: at least once, in order, under a durable name.

They come from the event store and not from Kafka: a program needs no broker, and Kafka's retention takes nothing from
it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from types import TracebackType

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_not_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from contracts.envelope import DomainEvent
from contracts.errors import AnnalsError
from contracts.event_types import EventType
from eventstore.retries import retry_unavailable
from eventstore.subscription_positions import Held, SubscriptionPositions
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError, NotFoundError
from services.operations.events import EventBatch, ReadEvents

log = logging.getLogger(__name__)

NAME_CHARACTERS = 200
TRIES = 5
LONGEST_PAUSE_S = 30.0
HANDLER_LIMIT_S = 60.0
UNAVAILABLE_LIMIT_S = 3600.0
RENEW_S = 60.0
"""After which it is asked again whether the caller may read events."""
STOP_LIMIT_S = 10.0
KEEP_S = 1.0
"""After which the position is kept, within a batch as well."""

Handle = Callable[[DomainEvent], Awaitable[None]]


class SubscriptionTakenError(AnnalsError):
    """Another program began the subscription of this name; give each program a name of its own."""


class SubscriptionFailedError(AnnalsError):
    """The handler failed with one event as often as it is tried; mend the cause and subscribe again."""


class SubscriptionEndedError(AnnalsError):
    """The handler wants no more events; subscribe again when it does."""


class SubscriptionHandle:
    """A subscription at work. As an async context manager it stops at the end of the block."""

    def __init__(self, name: str, held: Held) -> None:
        self.name = name
        self._held = held
        self._stopping = False
        self._handling = False
        self._task: asyncio.Task[None] | None = None

    @property
    def position(self) -> int:
        """Up to where everything was handled, in positions of the log."""
        return self._held.position

    @property
    def running(self) -> bool:
        """Whether events are still handled."""
        return self._task is not None and not self._task.done()

    async def wait(self) -> None:
        """Until it ends. Raises what ended it: SubscriptionFailedError, SubscriptionTakenError, AccessDeniedError,
        NewerSchemaError, StoreUnavailableError, and the SubscriptionEndedError of a handler.
        """
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self, limit_s: float = STOP_LIMIT_S) -> None:
        """Let the event in hand be handled, for so long, and give no more; raises nothing.

        An event that takes longer is called off, and comes again when the subscription goes on.
        """
        self._stopping = True
        if self._task is None:
            return
        if self._handling:
            await asyncio.wait({self._task}, timeout=limit_s)
        self._task.cancel()
        await asyncio.wait({self._task})

    async def __aenter__(self) -> "SubscriptionHandle":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


class Subscriptions:
    """Begins subscriptions (the specification's `subscribe_to_events`, 2.1)."""

    def __init__(self, events: ReadEvents, positions: SubscriptionPositions) -> None:
        self._events = events
        self._positions = positions

    async def subscribe(
        self,
        caller: Caller,
        name: str,
        event_types: Collection[EventType] | None,
        handler: Handle,
        *,
        after: int | None = None,
        handler_limit_s: float | None = HANDLER_LIMIT_S,
        deadline: Deadline,
    ) -> SubscriptionHandle:
        """Call `handler` with each of the caller's events of these types (None: of all), one after the other.

        The first time it begins behind the position `after`, or with what is yet to come; later where it was. An event
        may come again after a crash, and does until the handler returns: TRIES times with growing pauses, then the
        subscription ends, with nothing left out; at once where it raises SubscriptionEndedError. A call takes at most
        `handler_limit_s`, None for a handler that bounds itself. Whoever begins it last has it.

        Raises AccessDeniedError, InvalidRequestError, StoreUnavailableError, DeadlineExceededError.
        """
        caller.require("events", "read")
        if not name.strip() or len(name) > NAME_CHARACTERS or "\x00" in name:
            raise InvalidRequestError(f"the name of a subscription has 1 to {NAME_CHARACTERS} characters; choose one")
        if after is not None and after < 0:
            raise InvalidRequestError(f"a position is 0 or more, not {after}; 0 gives all events")
        head = await self._events.head(caller, deadline=deadline)
        async with deadline.enforce("beginning a subscription"):
            held = await self._positions.take(caller.tenant, name, head if after is None else after)
        handle = SubscriptionHandle(name, held)
        handle._task = asyncio.create_task(
            self._run(caller, handle, event_types, _Handler(name, handler, handler_limit_s)),
            name=f"subscription {name}",
        )
        handle._task.add_done_callback(lambda task: _tell(name, task))
        return handle

    async def forget(self, caller: Caller, name: str, *, deadline: Deadline) -> None:
        """Its position is kept no longer; a program that has it ends. Raises AccessDeniedError, NotFoundError."""
        caller.require("events", "read")
        async with deadline.enforce("forgetting a subscription"):
            if not await self._positions.forget(caller.tenant, name):
                raise NotFoundError(f"there is no subscription {name!r}; names are the tenant's own")

    async def _run(
        self, caller: Caller, handle: SubscriptionHandle, types: Collection[EventType] | None, handler: "_Handler"
    ) -> None:
        async def follow() -> None:
            renewed = Deadline.after(RENEW_S)
            async for batch in self._events.tail(caller, after=handle.position, types=types, deadline=renewed):
                handle._handling = True
                try:
                    await self._handle(caller, handle, batch, handler)
                finally:
                    handle._handling = False
                if handle._stopping:
                    return

        while not handle._stopping:
            await retry_unavailable(
                follow,
                limit_s=UNAVAILABLE_LIMIT_S,
                before_pause=lambda error: log.warning("subscription %s waits: %s", handle.name, error),
            )

    async def _handle(self, caller: Caller, handle: SubscriptionHandle, batch: EventBatch, handler: "_Handler") -> None:
        """One event after the other; what was handled is kept, however it ends."""
        clock = asyncio.get_running_loop().time
        kept, kept_at = handle.position, clock()
        try:
            for event in batch.events:
                if handle._stopping:
                    return
                await handler(event)
                assert event.position is not None, "stored events have a position"
                handle._held = handle._held._replace(position=event.position)
                if clock() - kept_at >= KEEP_S:
                    await self._keep(caller, handle)
                    kept, kept_at = handle.position, clock()
            handle._held = handle._held._replace(position=batch.position)
        finally:
            if handle.position > kept:
                await self._keep(caller, handle)

    async def _keep(self, caller: Caller, handle: SubscriptionHandle) -> None:
        if not await self._positions.advance(caller.tenant, handle.name, handle._held):
            raise SubscriptionTakenError(
                f"another program began the subscription {handle.name!r}, or it was forgotten; "
                "give each program a name of its own"
            )


class _Handler:
    """Calls a program's handler, TRIES times at most."""

    def __init__(self, name: str, handle: Handle, limit_s: float | None) -> None:
        self._name, self._handle, self._limit_s = name, handle, limit_s

    async def __call__(self, event: DomainEvent) -> None:
        """Raises SubscriptionFailedError, SubscriptionEndedError."""

        def tell(failed: RetryCallState) -> None:
            error = failed.outcome.exception() if failed.outcome is not None else None
            log.warning("subscription %s: %s of %s: %r", self._name, event.event_type, event.aggregate_id, error)

        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_not_exception_type((SubscriptionEndedError, asyncio.CancelledError)),
                wait=wait_random_exponential(multiplier=0.1, max=LONGEST_PAUSE_S),
                stop=stop_after_attempt(TRIES),
                before_sleep=tell,
                reraise=True,
            ):
                with attempt:
                    async with asyncio.timeout(self._limit_s):
                        await self._handle(event)
        except SubscriptionEndedError:
            raise
        except Exception as error:
            cause = str(error) or type(error).__name__
            raise SubscriptionFailedError(
                f"subscription {self._name!r}: {event.event_type} at position {event.position} failed {TRIES} times: "
                f"{cause}; mend the cause and subscribe again"
            ) from error


def _tell(name: str, task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("subscription %s ended: %s", name, error)
