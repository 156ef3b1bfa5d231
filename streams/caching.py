"""ReasoningResultCached to the reasoning cache, as a plain handler."""

from collections.abc import Mapping, Sequence

from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.reasoning import ReasoningResultCached
from contracts.topics import Partition, Topics
from projections.answers.reads import AnswerCache
from streams.handler import APART_S, BATCH_BYTES
from streams.message import Message, read_event


class CachingHandler:
    """Keeps no position: a cache that missed an event only misses an answer."""

    name = "caching"
    large_bytes = None
    batch_bytes = BATCH_BYTES
    gathers_s = 0.0
    apart_s = APART_S
    event_types: frozenset[str] = frozenset()

    def __init__(self, answers: AnswerCache, topics: Topics) -> None:
        self._answers = answers
        self.topics = (topics.of(EventType.REASONING_RESULT_CACHED).name,)

    def read(self, message: Message) -> DomainEvent | None:
        """Decode what says that an answer is to be kept."""
        return read_event(message, (EventType.REASONING_RESULT_CACHED,))

    def size(self, message: Message, item: DomainEvent) -> int:
        """The event."""
        return len(message.value or b"")

    async def handle(self, items: Sequence[DomainEvent], positions: Mapping[Partition, int]) -> None:
        """Keep them."""
        for event in items:
            assert isinstance(event.event_data, ReasoningResultCached)
            await self._answers.keep(event.tenant, event.event_data.key, event.aggregate_id)
