"""Projections as plain handlers: events go to a read model, with the positions they came from."""

from collections.abc import Mapping, Sequence

from contracts.envelope import DomainEvent
from contracts.topics import Partition, Topics
from eventstore.positions import ConsumerPositions
from projections.projector import Projector
from streams.handler import APART_S, BATCH_BYTES, GATHERS_S
from streams.message import Message, read_event

LARGE_BYTES = 128 * 1024
"""An event that has rows by the thousand."""
SEVERAL_APART_S = 2 * APART_S
"""Of a read model in which several of a document's events, which come one after the other, change rows."""


class ProjectionHandler:
    """Feeds one read model."""

    large_bytes = LARGE_BYTES
    batch_bytes = BATCH_BYTES
    gathers_s = GATHERS_S

    def __init__(
        self,
        projector: Projector,
        positions: ConsumerPositions,
        topics: Topics,
        apart_s: float = SEVERAL_APART_S,
    ) -> None:
        self._projector = projector
        self._positions = positions
        self.apart_s = apart_s
        self.event_types = frozenset(str(event_type) for event_type in projector.event_types)
        self.name = projector.name
        self.topics = tuple(dict.fromkeys(topics.of(event_type).name for event_type in projector.event_types))

    def read(self, message: Message) -> DomainEvent | None:
        """Decode what the read model follows."""
        return read_event(message, self.event_types)

    def size(self, message: Message, item: DomainEvent) -> int:
        """The event."""
        return len(message.value or b"")

    async def handle(self, items: Sequence[DomainEvent], positions: Mapping[Partition, int]) -> None:
        """Rows and positions in one transaction; then the positions where the relay finds them."""
        await self._projector.apply(items, positions)
        if positions:
            await self._positions.advance(self.name, positions)
