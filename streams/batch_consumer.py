"""From a Faust stream to a handler, in batches, acknowledging nothing that was not processed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay, wait_random_exponential

from contracts.topics import Partition
from eventstore.errors import StoreUnavailableError
from streams.dead_letter_sink import DeadLetterSink
from streams.handler import Handler
from streams.message import Message, positions_of
from streams.metering import metered

log = logging.getLogger(__name__)
Item = TypeVar("Item")

UNAVAILABLE_LIMIT_S = 3600.0
"""A store that stays away longer ends the worker, which is started again and waits anew."""
LONGEST_PAUSE_S = 5.0
FULL_BATCH_WAIT_S = 0.02


class BatchConsumer(Generic[Item]):
    """Empties one agent's stream into one handler.

    Faust's own `take` acknowledges a batch even when it was cancelled or raised (faust-streaming #189, #315), so
    the stream runs without automatic acknowledgement and each event is acknowledged here, in order, after its
    batch was processed. The queue is bounded: a slow handler holds the stream back.

    `processed` counts messages, `at_work` says that a batch is being processed, `waits_for_store` that this takes
    long because a store is away.
    """

    def __init__(self, handler: Handler[Item], dead_letter_sink: DeadLetterSink, *, batch: int = 100) -> None:
        self.handler = handler
        self.processed = 0
        self.waits_for_store = False
        self.at_work = False
        self._held = 0
        self._dead_letter_sink = dead_letter_sink
        self._limit = dead_letter_sink.limit(handler.name, handler.topics)
        self._batch = batch
        self._queue: asyncio.Queue[Any] = asyncio.Queue(maxsize=batch * 2)

    @property
    def holds_work(self) -> bool:
        """Whether anything was delivered and not processed yet."""
        return self._held > 0

    @property
    def is_paused(self) -> bool:
        """Whether too many messages became dead letters, so that nothing is processed until somebody acts."""
        return self._limit.is_paused

    async def run(self, stream: Any) -> None:
        """Read `stream` for as long as it lasts. Raises what ends the worker."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._process_batches(stream))
            async for event in stream.noack().events():
                self._held += 1
                await self._queue.put(event)

    async def _process_batches(self, stream: Any) -> None:
        while True:
            events = await self._next_batch()
            self.at_work = True
            try:
                await self.process([as_message(event.message) for event in events])
            finally:
                self.at_work = False
            for event in events:
                await stream.ack(event)
            self._held -= len(events)

    async def _next_batch(self) -> list[Any]:
        """Whatever waits, at most a batch; a batch of one waits a moment for company."""
        events = [await self._queue.get()]
        if self._queue.empty():
            await asyncio.sleep(FULL_BATCH_WAIT_S)
        while len(events) < self._batch and not self._queue.empty():
            events.append(self._queue.get_nowait())
        return events

    async def note(self, positions: Mapping[Partition, int]) -> None:
        """Everything up to `positions` is done, though nothing of it was ours: let the handler remember that."""
        own = {partition: position for partition, position in positions.items() if partition[0] in self.handler.topics}
        if own:
            await self._try([], own)

    async def process(self, messages: Sequence[Message]) -> None:
        """Process every message: handled, none of our business, or set aside with its cause."""
        await self._limit.released()
        wanted: list[tuple[Message, Item]] = []
        for message in messages:
            try:
                item = self.handler.read(message)
            except Exception as error:  # MalformedEventError, or bytes that nobody thought of: the stream goes on
                await self._set_aside(message, error)
                continue
            if item is not None:
                wanted.append((message, item))
        try:
            await self._try([item for _, item in wanted], positions_of(messages))
        except StoreUnavailableError:
            raise
        except Exception as error:
            await self._one_by_one(wanted, error)
            await self._try([], positions_of(messages))
            return
        await self._resolve([message for message, _ in wanted])
        self._limit.handled(len(wanted))
        self.processed += len(messages)

    async def _one_by_one(self, wanted: Sequence[tuple[Message, Item]], batch_error: Exception) -> None:
        if len(wanted) > 1:
            log.warning(
                "%s: a batch of %d failed (%s); trying its items singly",
                self.handler.name,
                len(wanted),
                batch_error,
            )
        for message, item in wanted:
            try:
                await self._try([item], {})
            except StoreUnavailableError:
                raise
            except Exception as error:
                await self._set_aside(message, error)
            else:
                await self._resolve([message])
                self._limit.handled(1)
            self.processed += 1

    async def _try(self, items: Sequence[Item], positions: Mapping[Partition, int]) -> None:
        async def handle() -> None:
            with metered(self.handler.name, len(items)):
                await self.handler.handle(items, positions)

        await self._retry_unavailable(handle)

    async def _set_aside(self, message: Message, error: Exception) -> None:
        async def count() -> None:
            # What fails again when it is tried again was counted before.
            if await self._dead_letter_sink.retried(self.handler.name, message) is None:
                self._limit.failed()

        await self._retry_unavailable(count)
        await self._retry_unavailable(lambda: self._limit.admit(str(error) or type(error).__name__))
        await self._retry_unavailable(lambda: self._dead_letter_sink.set_aside(self.handler.name, message, error))

    async def _resolve(self, messages: Sequence[Message]) -> None:
        await self._retry_unavailable(lambda: self._dead_letter_sink.resolve(self.handler.name, messages))

    async def _retry_unavailable(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do what may be done twice, again while a store is away; `waits_for_store` says so meanwhile."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(StoreUnavailableError),
            wait=wait_random_exponential(multiplier=0.1, max=LONGEST_PAUSE_S),
            stop=stop_after_delay(UNAVAILABLE_LIMIT_S),
            before_sleep=self._wait,
            reraise=True,
        ):
            with attempt:
                await act()
        if self.waits_for_store:
            log.info("%s: the store is back", self.handler.name)
            self.waits_for_store = False

    def _wait(self, failed: RetryCallState) -> None:
        if not self.waits_for_store:
            error = failed.outcome.exception() if failed.outcome is not None else None
            log.warning("%s waits: %s", self.handler.name, " ".join(str(error).split()))
        self.waits_for_store = True


def as_message(record: Any) -> Message:
    """A Faust message as plain data."""
    headers = record.headers or ()
    pairs = headers.items() if hasattr(headers, "items") else headers
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=int(record.timestamp or 0),
        key=record.key,
        value=record.value,
        headers={name: value for name, value in pairs if value is not None},
    )
