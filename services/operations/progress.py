"""How far all consumers of the log are."""

import asyncio
import contextlib

from contracts.event_types import EventType
from contracts.topics import Partition, Topics
from eventstore.positions import ConsumerPositions, low_watermark
from eventstore.reader import EventReader
from projections.graph.model import GraphModel
from projections.relational.model import RelationalModel
from projections.vector.model import VectorModel
from services.deadline import Deadline, DeadlineExceededError

STAGES = ("chunking", "entities", "relationships", "completion", "resolution")
READ_MODELS = ("relational", "graph", "vector")
NOTICE_LIMIT_S = 5.0
"""What an edge grants consumers to notice that they are at the end."""
POLL_S = 0.2


def followed_partitions(topics: Topics) -> dict[str, set[Partition]]:
    """The partitions that each stage and each read model follows, by name."""
    document = topics.of(EventType.DOCUMENT_INGESTED)
    followed: dict[str, set[Partition]] = {stage: set(document.all_partitions) for stage in STAGES}
    return followed | {
        model.name: {partition for kind in model.event_types for partition in topics.of(kind).all_partitions}
        for model in (RelationalModel, GraphModel, VectorModel)
    }


async def overall_low_watermark(positions: ConsumerPositions, topics: Topics) -> int:
    """Up to which position every stage and every read model has processed everything. Raises StoreUnavailableError."""
    found = await positions.all()
    followed = followed_partitions(topics)
    return min(low_watermark(found.get(consumer, {}), partitions) for consumer, partitions in followed.items())


class Progress:
    """Raises StoreUnavailableError."""

    def __init__(self, reader: EventReader, positions: ConsumerPositions, topics: Topics) -> None:
        self._reader = reader
        self._positions = positions
        self._topics = topics

    async def until_caught_up(self, *, deadline: Deadline) -> bool:
        """Whether every stage and read model knows, by the deadline, that it is at the end of the log.

        Nothing depends on it: what is not known yet is found out at the next start, with some events read again.
        """
        with contextlib.suppress(DeadlineExceededError):
            async with deadline.enforce("catching up"):
                head = await self._reader.head()
                while await overall_low_watermark(self._positions, self._topics) < head:  # noqa: ASYNC110
                    await asyncio.sleep(POLL_S)
                return True
        return False
