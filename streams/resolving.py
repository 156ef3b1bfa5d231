"""Resolution as a consumer: what documents name, and what they name no longer."""

from collections.abc import Mapping, Sequence

from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.topics import Partition, Topics
from eventstore.positions import ConsumerPositions
from services.processing.resolution import Resolution
from streams.handler import BATCH_BYTES, GATHERS_S
from streams.message import Message, read_event


class ResolutionHandler:
    """A plain handler around Resolution."""

    name = "resolution"
    large_bytes = None
    batch_bytes = BATCH_BYTES
    gathers_s = GATHERS_S
    apart_s = GATHERS_S
    event_types = frozenset(
        {str(EventType.ENTITIES_EXTRACTED), str(EventType.DOCUMENT_REREAD), str(EventType.DOCUMENT_DELETED)}
    )

    def __init__(self, resolution: Resolution, positions: ConsumerPositions, topics: Topics) -> None:
        self._resolution = resolution
        self._positions = positions
        self.topics = (topics.of(EventType.ENTITIES_EXTRACTED).name,)

    def read(self, message: Message) -> DomainEvent | None:
        """Decode what names entities, every part of it, and deletions."""
        return read_event(message, self.event_types)

    def size(self, message: Message, item: DomainEvent) -> int:
        """The event."""
        return len(message.value or b"")

    async def handle(self, items: Sequence[DomainEvent], positions: Mapping[Partition, int]) -> None:
        """Decide. Raises what Resolution raises."""
        if items:
            await self._resolution.run(items)
        if positions:
            await self._positions.advance(self.name, positions)
