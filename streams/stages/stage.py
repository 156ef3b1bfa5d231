"""What every stage shares: skip what is done or stale, work in batches, append under the cause's own id."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from aggregates.cause import Cause
from aggregates.document import Document
from contracts import ids
from contracts.batches import batches
from contracts.documents import DocumentChunked, DocumentIngested, DocumentUpdated, EntitiesExtracted, StageResult
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.payload import Payload
from contracts.topics import Partition, Topics
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.positions import ConsumerPositions
from streams.message import Message, read_event

LARGE_BYTES = 16 * 1024
"""A document with more text than this takes a second or more of a model."""
SLICE_BYTES = 500_000
"""Text worked on at once: bounds memory, and the work that a crash makes vain."""


class Stage(Protocol):
    """One step of a document's way: from a batch of (document, event) to a payload for each."""

    @property
    def name(self) -> str:
        """Name of the stage, part of the ids of its events."""
        ...

    @property
    def revision(self) -> str:
        """Revision of the models it uses, part of the ids of its events."""
        ...

    @property
    def triggers(self) -> frozenset[EventType]:
        """The event types that set it off."""
        ...

    def is_due(self, document: Document, event: DomainEvent) -> bool:
        """Whether `event` still asks for this stage: not when stale, nor when done."""
        ...

    async def work(self, batch: Sequence[tuple[Document, DomainEvent]]) -> list[Payload]:
        """The result for each pair, in order."""
        ...

    def decide(self, document: Document | None, of: UUID, result: Payload, cause: Cause) -> tuple[DomainEvent, ...]:
        """The aggregate's own decision on the result."""
        ...


class StageHandler:
    """Runs a Stage as a plain handler."""

    large_bytes = LARGE_BYTES

    def __init__(self, stage: Stage, commands: Commands, positions: ConsumerPositions, topics: Topics) -> None:
        self._stage = stage
        self._commands = commands
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
            case DocumentIngested() | DocumentUpdated() as content:
                return content.text.bytes
            case DocumentChunked(chunks=chunks):
                return max((chunk.end for chunk in chunks), default=0)
            case EntitiesExtracted(mentions=mentions):
                return max((mention.end for mention in mentions), default=0)
            case _:
                return len(message.value or b"")

    async def handle(self, items: Sequence[DomainEvent], positions: Mapping[Partition, int]) -> None:
        """Load the documents, work on what is due, append the results."""
        if items:
            # One delivery of an event within a batch is enough.
            await self._handle(list({(AggregateKey.of(event), event.event_id): event for event in items}.values()))
        if positions:
            await self._positions.advance(self.name, positions)

    async def _handle(self, batch: Sequence[DomainEvent]) -> None:
        keys = [AggregateKey.of(event) for event in batch]
        async for documents in self._commands.load_in_batches(keys, Document.project):
            due = [
                (document, event)
                for key, event in zip(keys, batch, strict=True)
                if (document := documents.get(key)) is not None and self._stage.is_due(document, event)
            ]
            for part in batches(due, lambda pair: pair[0].text.bytes, max_bytes=SLICE_BYTES):
                await self._work(part)

    async def _work(self, part: Sequence[tuple[Document, DomainEvent]]) -> None:
        results = await self._stage.work(part)
        await self._commands.execute_many(
            [
                Command(AggregateKey.of(event), Document.project, self._decision(event, result), state=document)
                for (document, event), result in zip(part, results, strict=True)
            ]
        )

    def _decision(self, event: DomainEvent, result: Payload) -> Callable[[Document | None], tuple[DomainEvent, ...]]:
        cause = Cause(
            metadata=EventMetadata(tenant=event.tenant, actor="annals", source=self._stage.name),
            correlation_id=event.correlation_id,
            causation_id=event.event_id,
            event_id=ids.event_id(event.event_id, self._stage.name, self._stage.revision),
        )
        return lambda document: self._stage.decide(document, event.event_id, result, cause)
