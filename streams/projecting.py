"""Projections as plain handlers: events go to a read model, with the places they came from."""

from collections.abc import Mapping, Sequence

from contracts.codec import decode
from contracts.envelope import DomainEvent
from contracts.topics import Partition, Topics
from eventstore.positions import ConsumerPositions
from projections.projector import Projector
from streams.message import Message


class ProjectionHandler:
    """Feeds one read model."""

    def __init__(self, projector: Projector, positions: ConsumerPositions, topics: Topics) -> None:
        self._projector = projector
        self._positions = positions
        self._types = frozenset(str(event_type) for event_type in projector.event_types)
        self.name = projector.name
        self.topics = tuple(dict.fromkeys(topics.of(event_type).name for event_type in projector.event_types))

    def read(self, message: Message) -> DomainEvent | None:
        """Decode what the read model follows."""
        if message.event_type not in self._types or message.value is None:
            return None
        return decode(message.value, position=message.position)

    async def handle(self, items: Sequence[DomainEvent], positions: Mapping[Partition, int]) -> None:
        """Rows and positions in one transaction; then the positions where the relay finds them."""
        await self._projector.apply(items, positions)
        if positions:
            await self._positions.advance(self.name, positions)
