"""How far all consumers of the log are."""

import asyncio

from contracts.event_types import EventType
from contracts.topics import Partition, Topics
from eventstore.positions import ConsumerPositions
from eventstore.reader import EventReader
from projections.changes import low_watermark
from projections.graph.model import GraphModel
from projections.relational.model import RelationalModel
from projections.vector.model import VectorModel

STAGES = ("chunking", "entities", "relationships", "completion")
READ_MODELS = ("relational", "graph", "vector")
NOTICE_LIMIT_S = 5.0
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


async def until_caught_up(reader: EventReader, positions: ConsumerPositions, topics: Topics) -> None:
    """Return once every stage and read model knows that it is at the end of the log, or after NOTICE_LIMIT_S.

    Nothing depends on it: what is not known yet is found out at the next start, with some events read again.
    """
    head = await reader.head()
    end = asyncio.get_running_loop().time() + NOTICE_LIMIT_S
    while asyncio.get_running_loop().time() < end:
        if await overall_low_watermark(positions, topics) >= head:
            return
        await asyncio.sleep(POLL_S)
