"""Messages that were delivered and are not acknowledged yet: which are processed next, which are acknowledged next."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from contracts.topics import Partition
from streams.message import Message, positions_of

Item = TypeVar("Item")

LARGE_AT_ONCE = 4
LARGE_AT_ONCE_BYTES = 16 * 1024 * 1024
"""Large items at work side by side; one that is larger still is at work alone."""
HELD_MESSAGES = 4000
HELD_BYTES = 16 * 1024 * 1024
"""In flight, by their values; beyond that nothing more is read. One agent that is full stops all of its process, as
Faust delivers to them in step, so what a stage has not come to yet (four messages a document) is best held."""


class Acknowledged(Protocol):
    """What a message was delivered with, to be told of it."""

    async def processed(self) -> None:
        """The message and all before it were processed."""
        ...


@dataclass(slots=True, eq=False)
class Delivered(Generic[Item]):
    """A message, with its `item` (None: none of the handler's business) or the `error` that came of reading it.

    `event` is told when it is released. `size` is what there is to work through, in bytes; others do not wait for what
    `is_large`.
    """

    event: Acknowledged | None
    message: Message
    item: Item | None = None
    error: Exception | None = None
    size: int = 0
    is_large: bool = False
    processed: bool = False

    @property
    def partition(self) -> Partition:
        """Topic and partition that it came from."""
        return self.message.topic, self.message.partition

    @property
    def is_wanted(self) -> bool:
        """Whether it is the handler's business, or was to be and could not be read."""
        return self.item is not None or self.error is not None

    @property
    def key(self) -> tuple[str, bytes] | None:
        """Of two with the same key the second waits for the first. The relay's keys are aggregates."""
        return None if self.item is None or self.message.key is None else (self.message.topic, self.message.key)


class InFlight(Generic[Item]):
    """What is in flight, in order of delivery.

    Small items are processed in batches, one batch at a time; beside them up to LARGE_AT_ONCE large ones, each by
    itself. Items of one key keep their order. The messages of a partition are released to be acknowledged in their
    order, each once all before it are processed, since Faust commits past gaps (faust-streaming #606).
    """

    def __init__(self, batch: int, batch_bytes: int) -> None:
        self._batch = batch
        self._batch_bytes = batch_bytes
        self._waiting: deque[Delivered[Item]] = deque()
        self._at_work: set[Delivered[Item]] = set()
        self._partitions: dict[Partition, deque[Delivered[Item]]] = {}
        self._bytes = 0
        self._large_waiting = 0
        self.held = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be read for now."""
        return self.held >= HELD_MESSAGES or self._bytes >= HELD_BYTES

    @property
    def waiting(self) -> int:
        """How many nobody works on yet."""
        return len(self._waiting)

    @property
    def at_work(self) -> bool:
        """Whether anything is being processed."""
        return bool(self._at_work)

    def holds(self, partition: Partition) -> bool:
        """Whether anything of the partition is in flight."""
        return bool(self._partitions.get(partition))

    def add(self, delivery: Delivered[Item]) -> None:
        """It was delivered."""
        self._waiting.append(delivery)
        self._large_waiting += delivery.is_large
        self._partitions.setdefault(delivery.partition, deque()).append(delivery)
        self._bytes += len(delivery.message.value or b"")
        self.held += 1

    def next_batch(self) -> list[Delivered[Item]]:
        """What is to be processed now beside what is at work: some small ones, a large one, or nothing."""
        chosen = self._choose()
        if chosen:
            self._at_work.update(chosen)
            self._large_waiting -= sum(delivery.is_large for delivery in chosen)
            self._waiting = deque(delivery for delivery in self._waiting if delivery not in self._at_work)
        return chosen

    def _choose(self) -> list[Delivered[Item]]:
        small_at_work = any(not delivery.is_large for delivery in self._at_work)
        if small_at_work and not self._large_waiting:
            return []  # the usual case, asked for again and again while thousands wait
        busy = {delivery.key for delivery in self._at_work}
        batch: list[Delivered[Item]] = []
        size = 0
        for delivery in self._waiting:
            free = delivery.key is None or delivery.key not in busy
            if free and delivery.is_large and not batch and self._has_room_for(delivery):
                return [delivery]
            if free and not delivery.is_large and not small_at_work:
                batch.append(delivery)
                size += delivery.size
                if len(batch) == self._batch or size > self._batch_bytes:
                    break
            else:
                # It stays, and what comes behind it with the same key stays behind it.
                busy.add(delivery.key)
        return batch

    def _has_room_for(self, large: Delivered[Item]) -> bool:
        sizes = [delivery.size for delivery in self._at_work if delivery.is_large]
        return not sizes or (len(sizes) < LARGE_AT_ONCE and sum(sizes) + large.size <= LARGE_AT_ONCE_BYTES)

    def positions_with(self, batch: Sequence[Delivered[Item]]) -> dict[Partition, int]:
        """Up to which position of each partition everything is processed once `batch` is."""
        return positions_of(
            delivery.message
            for partition in {delivery.partition for delivery in batch}
            for delivery in _processed(self._partitions[partition], also=set(batch))
        )

    def finish(self, batch: Sequence[Delivered[Item]]) -> list[Delivered[Item]]:
        """`batch` is processed; returns what may be acknowledged now, in order. That is in flight no more."""
        for delivery in batch:
            delivery.processed = True
            self._at_work.discard(delivery)
        released = [
            delivery
            for partition in dict.fromkeys(delivery.partition for delivery in batch)
            for delivery in list(_processed(self._partitions[partition]))
        ]
        for delivery in released:
            self._partitions[delivery.partition].popleft()
            self._bytes -= len(delivery.message.value or b"")
        self.held -= len(released)
        return released


def _processed(
    partition: Iterable[Delivered[Item]], also: Set[Delivered[Item]] = frozenset()
) -> Iterator[Delivered[Item]]:
    """The first ones of a partition, up to one that is neither processed nor among `also`."""
    for delivery in partition:
        if not (delivery.processed or delivery in also):
            return
        yield delivery
