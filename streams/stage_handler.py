"""A stage as a consumer of its topics: which messages set it off, how large they are, how far it is."""

from collections.abc import Mapping, Sequence

from contracts.documents import DocumentChunked, DocumentContent, EntitiesExtracted, StageResult
from contracts.envelope import DomainEvent
from contracts.topics import Partition, Topics
from eventstore.positions import ConsumerPositions
from services.processing.stage import LARGE_BYTES, StageRunner
from streams.handler import APART_S, GATHERS_S
from streams.message import Message, read_event

BATCH_BYTES = 256 * 1024
"""Small documents are worked on together up to as much: with 16 KiB a batch models took in a fifth less, with 128 KiB a
fortieth (`python -m bench ingest`)."""


class StageHandler:
    """A plain handler around a StageRunner."""

    large_bytes = LARGE_BYTES
    batch_bytes = BATCH_BYTES
    gathers_s = 0.0

    def __init__(
        self, runner: StageRunner, positions: ConsumerPositions, topics: Topics, *, is_handed_on: bool = False
    ) -> None:
        """`is_handed_on`: most of what is delivered here was handed on before, so that little is left to be done."""
        stage = runner.stage
        self.apart_s = GATHERS_S if is_handed_on else APART_S
        self._runner = runner
        self._positions = positions
        self.event_types = frozenset(str(trigger) for trigger in stage.triggers)
        self.name = stage.name
        self.topics = tuple(dict.fromkeys(topics.of(trigger).name for trigger in stage.triggers))

    def read(self, message: Message) -> DomainEvent | None:
        """Decode only what sets this stage off; of a result in parts, that is the last one."""
        event = read_event(message, self.event_types)
        if event is not None and isinstance(event.event_data, StageResult) and not event.event_data.is_last:
            return None
        return event

    def size(self, message: Message, item: DomainEvent) -> int:
        """About as much text as the event's document has."""
        match item.event_data:
            case DocumentContent() as content:
                return content.text.bytes
            case DocumentChunked(chunks=chunks):
                return max((chunk.end for chunk in chunks), default=0)
            case EntitiesExtracted(mentions=mentions):
                return max((mention.end for mention in mentions), default=0)
            case _:
                return len(message.value or b"")

    async def handle(self, items: Sequence[DomainEvent], positions: Mapping[Partition, int]) -> None:
        """Do the stage's work. Raises what the runner raises."""
        if items:
            await self._runner.run(items)
        if positions:
            await self._positions.advance(self.name, positions)
