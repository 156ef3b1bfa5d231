"""From deliveries to a handler, in batches, acknowledging nothing that was not processed."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar

from contracts.topics import Partition
from streams.dead_letter_sink import DeadLetterSink
from streams.gathering import Gathering
from streams.handler import Handler
from streams.handling import Handling
from streams.in_flight import Acknowledged, Delivered
from streams.message import Message, positions_of
from streams.missed_events import MissedEvents
from streams.published import PublishedEnds

log = logging.getLogger(__name__)
Item = TypeVar("Item")


class BatchConsumer(Generic[Item]):
    """Hands what is delivered to one handler.

    Each event is acknowledged in order, after it and all before it were processed. Small items do not wait for large
    ones (see `InFlight`). What is in flight is bounded: a slow handler holds its deliverer back.

    `recovering` says that it gets from the event store what Kafka deleted. What awaits raises what ends the worker.
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
        self.recovering = False
        self._missed = missed
        self._next_offsets = dict(missed.next_offsets) if missed is not None else {}
        self._gathering: Gathering[Item] = Gathering(handler, batch, published or PublishedEnds())
        self._handling = Handling(handler, dead_letter_sink)
        self._acknowledging = asyncio.Lock()
        self._recovery = asyncio.Lock()

    @property
    def processed(self) -> int:
        """How many messages."""
        return self._handling.processed

    @property
    def holds_work(self) -> bool:
        """Whether anything was delivered and not processed yet."""
        return self._gathering.in_flight.held > 0

    def holds(self, partition: Partition) -> bool:
        """Whether anything of the partition was delivered and not acknowledged yet."""
        return self._gathering.in_flight.holds(partition)

    @property
    def is_full(self) -> bool:
        """Whether it reads nothing more for now."""
        return self._gathering.in_flight.is_full

    @property
    def at_work(self) -> bool:
        """Whether the handler has anything in hand."""
        return self._gathering.in_flight.at_work

    @property
    def waits_for_store(self) -> bool:
        """Whether something takes long because a store is away."""
        return self._handling.stores_away > 0

    @property
    def is_paused(self) -> bool:
        """Whether too many messages became dead letters, so that nothing is processed until somebody acts."""
        return self._handling.is_paused

    async def run(self) -> None:
        """Process what is delivered, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._gathering.company()
                while batch := self._gathering.begin():
                    tasks.create_task(self._process_batch(batch))

    async def deliver(self, message: Message, event: Acknowledged) -> None:
        """Take a message that is to be acknowledged by `event`; returns when there is room for another one."""
        await self._recover_before(message)
        await self._gathering.add(self._handling.read(message, event))

    async def process(self, messages: Sequence[Message]) -> None:
        """Process these as one batch, with nothing beside it."""
        await self._handling.process([self._handling.read(message) for message in messages], positions_of(messages))

    async def note(self, positions: Mapping[Partition, int]) -> None:
        """Everything up to `positions` is done, though nothing of it was ours: let the handler remember that."""
        own = {partition: position for partition, position in positions.items() if partition[0] in self.handler.topics}
        if own:
            await self._handling.keep(own)

    async def recover(self, partitions: Collection[Partition], up_to: int) -> None:
        """Process what the log holds of partitions up to a position, where Kafka does not hold it any more."""
        missed, event_types = self._missed, self.handler.event_types
        if missed is None or not event_types:
            return
        async with self._recovery:
            name = self.handler.name
            position = await self._handling.retry_unavailable(lambda: missed.lowest_known(name, partitions))
            await self._process_stored(missed, position, up_to)
            await self._handling.keep(dict.fromkeys(partitions, up_to))

    async def begin(self) -> bool:
        """Whether this consumer has a group's past to catch up with, since it came to that group later. From now on it
        keeps no position until `catch_up` is done, so that it begins again where that was broken off.
        """
        missed, handler = self._missed, self.handler
        if missed is None or not handler.event_types:
            return False
        late = await self._handling.retry_unavailable(lambda: missed.is_late(handler.name, handler.topics))
        if late:
            self._handling.hold_positions()
        return late

    async def catch_up(self, up_to: int) -> None:
        """Process what the log holds up to a position, beside what is delivered."""
        assert self._missed is not None, "it begins late"
        async with self._recovery:
            await self._process_stored(self._missed, 0, up_to)
            held = self._handling.release_positions()
            partitions = self._missed.partitions_of(self.handler.topics)
            await self._handling.keep({one: max(up_to, held.get(one, 0)) for one in partitions})

    async def _process_batch(self, batch: Sequence[Delivered[Item]]) -> None:
        await self._handling.process(batch, self._gathering.in_flight.positions_with(batch))
        # One after the other, for a partition's messages are acknowledged in order.
        async with self._acknowledging:
            released = self._gathering.finish(batch)
            # The positions of what was processed beside a large one are not known to the handler yet.
            await self._handling.keep_news(positions_of(delivery.message for delivery in released))
            for delivery in released:
                if delivery.event is not None:
                    await delivery.event.processed()
            self._gathering.make_room()

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

    async def _process_stored(self, missed: MissedEvents, position: int, up_to: int) -> None:
        retry, event_types = self._handling.retry_unavailable, self.handler.event_types
        self.recovering = True
        try:
            log.info("%s: getting events %d to %d from the event store", self.handler.name, position + 1, up_to)
            while messages := await retry(partial(missed.after, position, up_to, event_types)):
                await self.process(messages)
                position = messages[-1].position or up_to
        finally:
            self.recovering = False
