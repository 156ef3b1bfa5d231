"""From deliveries to a handler, in batches, acknowledging nothing that was not processed."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar

from contracts.codec import NewerSchemaError
from contracts.topics import Partition
from eventstore.errors import StoreUnavailableError, reason_of
from eventstore.retries import retry_unavailable
from streams.dead_letter_sink import DeadLetterSink
from streams.handler import Handler, WaitsBehindError
from streams.in_flight import Acknowledged, Delivered, InFlight
from streams.message import Message, positions_of
from streams.metering import metered
from streams.missed_events import MissedEvents
from streams.published import PublishedEnds
from streams.spacing import Spacing

log = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")

UNAVAILABLE_LIMIT_S = 3600.0
"""A store that stays away longer ends the worker, which is started again and waits anew."""
LONGEST_PAUSE_S = 5.0
COMPANY_S, COMPANY_STEPS = 0.001, 5
"""What comes with one fetch is delivered without a pause of a step; an event waits for one at each of its six hops.
What comes while a batch is at work is the next one."""
ANNOUNCED_S = 0.03
"""What is published already is waited for, where the relay says what is: a burst comes in pieces, a partition after the
other. Nothing else is waited for then."""
UNWANTED_WAIT_S = 0.5
"""What is none of the handler's business waits this long for company: only its position is to be kept."""


class BatchConsumer(Generic[Item]):
    """Hands what is delivered to one handler.

    Each event is acknowledged in order, after it and all before it were processed. Small items do not wait for large
    ones (see `InFlight`). What is in flight is bounded: a slow handler holds its deliverer back.

    `processed` counts messages, `at_work` says that a batch is being processed, `waits_for_store` that this takes
    long because a store is away: `stores_away` counts who waits. `recovering` says that it gets
    from the event store what Kafka deleted.
    """

    def __init__(
        self,
        handler: Handler[Item],
        dead_letter_sink: DeadLetterSink,
        *,
        batch: int = 100,
        missed: MissedEvents | None = None,
        published: PublishedEnds | None = None,
    ) -> None:
        self.handler = handler
        self.processed = 0
        self.stores_away = 0
        self.recovering = False
        self._missed = missed
        self._published = published or PublishedEnds()
        self._delivered: dict[Partition, int] = {}
        self._next_offsets = dict(missed.next_offsets) if missed is not None else {}
        self._dead_letter_sink = dead_letter_sink
        self._limit = dead_letter_sink.limit(handler.name, handler.topics)
        self._batch = batch
        self._in_flight: InFlight[Item] = InFlight(batch, handler.batch_bytes)
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._has_room = asyncio.Event()
        self._is_enough = asyncio.Event()
        self._spacing = Spacing(handler.apart_s, handler.gathers_s)
        self._acknowledging = asyncio.Lock()
        self._recovery = asyncio.Lock()
        self._handled: dict[Partition, int] = {}
        self._unsaid: dict[Partition, int] | None = None

    @property
    def holds_work(self) -> bool:
        """Whether anything was delivered and not processed yet."""
        return self._in_flight.held > 0

    def holds(self, partition: Partition) -> bool:
        """Whether anything of the partition was delivered and not acknowledged yet."""
        return self._in_flight.holds(partition)

    @property
    def is_full(self) -> bool:
        """Whether it reads nothing more for now."""
        return self._in_flight.is_full

    @property
    def at_work(self) -> bool:
        """Whether the handler has anything in hand."""
        return self._in_flight.at_work

    @property
    def waits_for_store(self) -> bool:
        """Whether a store is away."""
        return self.stores_away > 0

    @property
    def is_paused(self) -> bool:
        """Whether too many messages became dead letters, so that nothing is processed until somebody acts."""
        return self._limit.is_paused

    async def run(self) -> None:
        """Process what is delivered, until cancelled. Raises what ends the worker."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._company()
                while batch := self._in_flight.next_batch():
                    self._spacing.begins(asyncio.get_running_loop().time(), len(batch))
                    tasks.create_task(self._process_batch(batch))

    async def deliver(self, message: Message, event: Acknowledged) -> None:
        """Take a message that is to be acknowledged by `event`; returns when there is room for another one.

        Raises what ends the worker.
        """
        await self._recover_before(message)
        delivery = self.read(message, event)
        self._in_flight.add(delivery)
        self._delivered[delivery.partition] = message.offset + 1
        self._changed.set()
        if delivery.is_wanted or self._in_flight.is_full:
            self._wanted.set()
        if self._has_enough:
            self._is_enough.set()
        while self._in_flight.is_full:
            self._has_room.clear()
            await self._has_room.wait()

    def read(self, message: Message, event: Acknowledged | None = None) -> Delivered[Item]:
        """The message with what the handler makes of it, or with the error. Raises NewerSchemaError."""
        try:
            item = self.handler.read(message)
            if item is None:
                return Delivered(event, message)
            size, limit = self.handler.size(message, item), self.handler.large_bytes
            return Delivered(event, message, item, size=size, is_large=limit is not None and size > limit)
        except NewerSchemaError:
            raise
        except Exception as error:  # MalformedEventError, or bytes that nobody thought of: the stream goes on
            return Delivered(event, message, error=error)

    async def _company(self) -> None:
        """Until there may be something to begin: few messages wait a moment for others."""
        await self._changed.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNWANTED_WAIT_S):
                await self._wanted.wait()
        if not self._has_enough:
            await self._gather()
            await self._pause()
        self._changed.clear()
        self._wanted.clear()

    async def _gather(self) -> None:
        """Until the batch before began long enough ago, or there is a full one."""
        if asyncio.get_running_loop().time() >= self._spacing.next_at:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._spacing.next_at):
                while not self._has_enough:
                    self._is_enough.clear()
                    await self._is_enough.wait()

    async def _pause(self) -> None:
        """Until what is published is there, for ANNOUNCED_S at most. Where nobody says what is, until nothing more
        comes with what came, for COMPANY_STEPS."""
        if self._published.awaits(self._delivered) is None:
            for _ in range(COMPANY_STEPS):
                before = self._in_flight.waiting
                await asyncio.sleep(COMPANY_S)
                if self._has_enough or self._in_flight.waiting == before:
                    return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANNOUNCED_S):
                while self._published.awaits(self._delivered) and not self._has_enough:
                    self._changed.clear()
                    await self._changed.wait()

    @property
    def _has_enough(self) -> bool:
        """Whether more would make no larger batch."""
        return self._in_flight.waiting >= self._batch or self._in_flight.is_full

    async def _process_batch(self, batch: Sequence[Delivered[Item]]) -> None:
        await self._process(batch, self._in_flight.positions_with(batch))
        # One after the other, for a partition's messages are acknowledged in order.
        async with self._acknowledging:
            released = self._in_flight.finish(batch)
            self._changed.set()
            self._wanted.set()
            # The positions of what was processed beside a large one are not known to the handler yet.
            positions = positions_of(delivery.message for delivery in released)
            news = {one: position for one, position in positions.items() if position > self._handled.get(one, -1)}
            if news:
                await self._try([], news)
            for delivery in released:
                if delivery.event is not None:
                    await delivery.event.processed()
            self._has_room.set()

    async def _recover_before(self, message: Message) -> None:
        """Where records right before this one are gone, process their events first."""
        partition = (message.topic, message.partition)
        expected = self._next_offsets.get(partition, message.offset)
        self._next_offsets[partition] = message.offset + 1
        if self._missed is None or message.offset <= expected:
            return
        # Another worker may have had the partition meanwhile: then nothing is gone.
        if await self._missed.is_deleted(partition, expected):
            log.warning(
                "%s: Kafka deleted %d records of %s/%d before they were read (see the topic's retention)",
                self.handler.name,
                message.offset - expected,
                *partition,
            )
            if message.position is not None:
                await self.recover([partition], message.position - 1)

    async def recover(self, partitions: Collection[Partition], up_to: int) -> None:
        """Process what the log holds of partitions up to a position, where Kafka does not hold it any more.

        Raises what ends the worker.
        """
        missed, event_types = self._missed, self.handler.event_types
        if missed is None or not event_types:
            return
        async with self._recovery:
            name = self.handler.name
            position = await self._retry_unavailable(lambda: missed.lowest_known(name, partitions))
            await self._process_stored(position, up_to)
            await self._try([], dict.fromkeys(partitions, up_to))

    async def _process_stored(self, position: int, up_to: int) -> None:
        missed, event_types = self._missed, self.handler.event_types
        assert missed is not None, "whoever asks for events of the event store has it"
        self.recovering = True
        try:
            log.info("%s: getting events %d to %d from the event store", self.handler.name, position + 1, up_to)
            while messages := await self._retry_unavailable(partial(missed.after, position, up_to, event_types)):
                await self.process(messages)
                position = messages[-1].position or up_to
        finally:
            self.recovering = False

    async def begin(self) -> bool:
        """Whether this consumer has a group's past to catch up with, since it came to that group later. From now on it
        keeps no position until `catch_up` is done, so that it begins again where that was broken off.

        Raises what ends the worker.
        """
        missed = self._missed
        if missed is not None and self.handler.event_types:
            name, followed = self.handler.name, self.handler.topics
            if await self._retry_unavailable(lambda: missed.is_late(name, followed)):
                self._unsaid = {}
        return self._unsaid is not None

    async def catch_up(self, up_to: int) -> None:
        """Process what the log holds up to a position, beside what is delivered. Raises what ends the worker."""
        assert self._missed is not None, "it begins late"
        async with self._recovery:
            await self._process_stored(0, up_to)
            unsaid, self._unsaid = self._unsaid or {}, None
            partitions = self._missed.partitions_of(self.handler.topics)
            await self._try([], {one: max(up_to, unsaid.get(one, 0)) for one in partitions})

    async def note(self, positions: Mapping[Partition, int]) -> None:
        """Everything up to `positions` is done, though nothing of it was ours: let the handler remember that."""
        own = {partition: position for partition, position in positions.items() if partition[0] in self.handler.topics}
        if own:
            await self._try([], own)

    async def process(self, messages: Sequence[Message]) -> None:
        """Process these as one batch, with nothing beside it."""
        await self._process([self.read(message) for message in messages], positions_of(messages))

    async def _process(self, batch: Sequence[Delivered[Item]], positions: Mapping[Partition, int]) -> None:
        """Every message is handled, none of our business, or set aside with its cause.

        Everything up to `positions` is processed then.
        """
        await self._limit.released()
        wanted: list[tuple[Message, Item]] = []
        for delivery in batch:
            if delivery.error is not None:
                await self._set_aside(delivery.message, delivery.error)
            elif delivery.item is not None:
                wanted.append((delivery.message, delivery.item))
        try:
            await self._try([item for _, item in wanted], positions)
        except (StoreUnavailableError, NewerSchemaError):
            raise
        except Exception as error:
            await self._one_by_one(wanted, error)
            await self._try([], positions)
            return
        await self._resolve([message for message, _ in wanted])
        self._limit.handled(len(wanted))
        self.processed += len(batch)

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
            except (StoreUnavailableError, NewerSchemaError):
                raise
            except Exception as error:
                await self._set_aside(message, error)
            else:
                await self._resolve([message])
                self._limit.handled(1)
            self.processed += 1

    async def _try(self, items: Sequence[Item], positions: Mapping[Partition, int]) -> None:
        if self._unsaid is not None:
            self._unsaid.update({one: max(at, self._unsaid.get(one, 0)) for one, at in positions.items()})
            positions = {}

        async def handle() -> None:
            with metered(self.handler.name, len(items)):
                await self.handler.handle(items, positions)

        await self._retry_unavailable(handle)
        for partition, position in positions.items():
            self._handled[partition] = max(position, self._handled.get(partition, -1))

    async def _set_aside(self, message: Message, error: Exception) -> None:
        async def count() -> None:
            # What fails again when it is tried again was counted before; what waits did not fail.
            if (
                not isinstance(error, WaitsBehindError)
                and await self._dead_letter_sink.retried(self.handler.name, message) is None
            ):
                self._limit.failed()

        await self._retry_unavailable(count)
        await self._retry_unavailable(lambda: self._limit.admit(str(error) or type(error).__name__))
        await self._retry_unavailable(lambda: self._dead_letter_sink.set_aside(self.handler.name, message, error))

    async def _resolve(self, messages: Sequence[Message]) -> None:
        await self._retry_unavailable(lambda: self._dead_letter_sink.resolve(self.handler.name, messages))

    async def _retry_unavailable(self, act: Callable[[], Awaitable[Result]]) -> Result:
        """Do what may be done twice, again while a store is away; `waits_for_store` says so meanwhile."""
        waiting = False

        def wait(error: BaseException) -> None:
            nonlocal waiting
            if not waiting:
                waiting = True
                self.stores_away += 1
                log.warning("%s waits: %s", self.handler.name, reason_of(error))

        try:
            result = await retry_unavailable(
                act, limit_s=UNAVAILABLE_LIMIT_S, longest_pause_s=LONGEST_PAUSE_S, before_pause=wait
            )
        finally:
            if waiting:
                self.stores_away -= 1
        if waiting:
            log.info("%s: the store is back", self.handler.name)
        return result
