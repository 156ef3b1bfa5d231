"""Up to where the topics of events are published, so that no fetch asks for what is not there yet."""

import asyncio
import contextlib
from collections.abc import Collection, Mapping

from contracts.topics import Partition


class PublishedEnds:
    """Where partitions end, as the relay says and as answers of the broker say.

    `topics` are those that the relay alone writes. It is told in one thread, and waited for in that of the consumer,
    of which there is one. As long as nobody tells anything, nobody waits.
    """

    def __init__(self, topics: Collection[str] = ()) -> None:
        self.topics = frozenset(topics)
        self._ends: dict[Partition, int] | None = None
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def tell(self, ends: Mapping[Partition, int] | None) -> None:
        """Partitions end there now. Nothing: any may have more; None: nobody hears any more what is published."""
        if ends is None:
            self._ends = None
        elif not ends or self._ends is None:
            self._ends = dict(ends)
        else:
            self._ends.update(ends)
        if (waiting := self._waiting) is not None:
            loop, told = waiting
            with contextlib.suppress(RuntimeError):  # its loop has just ended
                loop.call_soon_threadsafe(told.set)

    def see(self, ends: Mapping[Partition, int]) -> None:
        """A broker answered that these partitions end there."""
        known = self._ends
        if known is not None:
            known.update({partition: max(end, known.get(partition, 0)) for partition, end in ends.items()})

    def speaks_for(self, partitions: Collection[Partition]) -> bool:
        """Whether it is told of whatever is published to these."""
        return self._ends is not None and all(topic in self.topics for topic, _ in partitions)

    def has_more(self, offsets: Mapping[Partition, int]) -> bool:
        """Whether there may be anything from these offsets on."""
        ends = self._ends
        if ends is None or not self.speaks_for(offsets):
            return True
        return any(offset < ends.get(partition, offset + 1) for partition, offset in offsets.items())

    def awaits(self, offsets: Mapping[Partition, int]) -> bool | None:
        """Whether anything from these offsets on is published; None: nobody tells."""
        ends = self._ends
        if ends is None or not self.speaks_for(offsets):
            return None
        return any(offset < ends.get(partition, 0) for partition, offset in offsets.items())

    async def wait(self, offsets: Mapping[Partition, int], limit_s: float) -> None:
        """Until there may be anything from these offsets on; for `limit_s` at most."""
        if self.has_more(offsets):
            return
        told = asyncio.Event()
        self._waiting = asyncio.get_running_loop(), told
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    while not self.has_more(offsets):
                        await told.wait()
                        told.clear()
        finally:
            self._waiting = None
