"""What every stage shares: skip what is done or stale, work in batches, append under the cause's own id."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from aggregates.cause import Cause
from aggregates.document import Decision, Document
from contracts import ids
from contracts.batches import batches
from contracts.documents import StageResult
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.payload import Payload
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey

SLICE_BYTES = 500_000
"""Text worked on at once: bounds memory, and the work that a crash makes vain."""


StageOutput = Payload | Sequence[StageResult]
"""A result, or one that is already in parts."""


class Stage(Protocol):
    """One step of a document's way: from a batch of (document, event) to a result for each."""

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

    async def work(self, batch: Sequence[tuple[Document, DomainEvent]]) -> Sequence[StageOutput]:
        """The result for each pair, in order."""
        ...

    def decide(self, document: Document | None, of: UUID, result: StageOutput, cause: Cause) -> Sequence[DomainEvent]:
        """The aggregate's own decision on the result."""
        ...


class StageRunner:
    """Does a stage's work on the events that set it off."""

    def __init__(self, stage: Stage, commands: Commands) -> None:
        self.stage = stage
        self._commands = commands

    async def run(self, events: Sequence[DomainEvent]) -> None:
        """Load the events' documents, work on what is due, append the results. Run twice, it appends nothing twice.

        Raises StoreUnavailableError, ConflictError, and what the stage raises.
        """
        # One delivery of an event within a batch is enough.
        batch = list({(AggregateKey.of(event), event.event_id): event for event in events}.values())
        keys = [AggregateKey.of(event) for event in batch]
        async for documents in self._commands.load_in_batches(keys, Document.project):
            due = [
                (document, event)
                for key, event in zip(keys, batch, strict=True)
                if (document := documents.get(key)) is not None and self.stage.is_due(document, event)
            ]
            for part in batches(due, lambda pair: pair[0].text.bytes, max_bytes=SLICE_BYTES):
                await self._work(part)

    async def _work(self, part: Sequence[tuple[Document, DomainEvent]]) -> None:
        results = await self.stage.work(part)
        await self._commands.store_many(
            [
                Command(AggregateKey.of(event), Document.project, self._decision(event, result), state=document)
                for (document, event), result in zip(part, results, strict=True)
            ]
        )

    def _decision(self, event: DomainEvent, result: StageOutput) -> Decision:
        cause = Cause(
            metadata=EventMetadata(tenant=event.tenant, actor="annals", source=self.stage.name),
            correlation_id=event.correlation_id,
            causation_id=event.event_id,
            event_id=ids.event_id(event.event_id, self.stage.name, self.stage.revision),
        )
        return lambda document: self.stage.decide(document, event.event_id, result, cause)
