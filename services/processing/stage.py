"""What every stage shares: skip what is done or stale, work in batches, append under the cause's own id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from uuid import UUID

from aggregates.cause import Cause
from aggregates.document import Decision, Document
from contracts import ids
from contracts.batches import batches
from contracts.documents import ChunkMerged, ChunkUpdated, DocumentProcessed, StageResult
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.payload import Payload
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from external.beside import Beside
from services.processing.handed_on import HandedOn
from services.processing.recent import RecentDocuments

LARGE_BYTES = 16 * 1024
"""A document with more text than this takes a second or more of a model."""
SLICE_BYTES = 48 * 1024
"""Text worked on at once, while what was worked on before is stored: bounds memory, and the work that a crash makes
vain."""


@dataclass(frozen=True, slots=True)
class Completed:
    """Everything is done, and `recuts` are corrections of chunks that people made in earlier content."""

    processed: DocumentProcessed
    recuts: tuple[ChunkUpdated | ChunkMerged, ...] = ()


StageOutput = Payload | Sequence[StageResult] | Completed
"""A result, one that is already in parts, or that of the last stage."""


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
    """Does a stage's work on the events that set it off. `recent` is shared by the stages of a process."""

    def __init__(
        self, stage: Stage, commands: Commands, recent: RecentDocuments, *, then: "StageRunner | None" = None
    ) -> None:
        """`then`: whom this stage's results set off. What comes of a small document is handed on to it at once."""
        self.stage = stage
        self._commands = commands
        self._recent = recent
        self._then = then
        self._handed_on = HandedOn(self._run)

    async def run(self, events: Sequence[DomainEvent]) -> None:
        """Load the events' documents, work on what is due, append the results. Run twice, it appends nothing twice.

        Raises StoreUnavailableError, ConflictError, and what the stage raises.
        """
        if left := await self._handed_on.left(events):
            await self._run(left)

    async def _run(self, events: Sequence[DomainEvent]) -> None:
        # One delivery of an event within a batch is enough.
        batch = list({(AggregateKey.of(event), event.event_id): event for event in events}.values())
        known = await self._known(batch)
        await self._work_on(batch, known)
        unknown = [event for event in batch if AggregateKey.of(event) not in known]
        async for documents in self._commands.load_in_batches(map(AggregateKey.of, unknown), Document.project):
            await self._work_on(unknown, documents)

    async def _known(self, events: Sequence[DomainEvent]) -> dict[AggregateKey, Document]:
        """Present states that need not be loaded: as a stage of this process left them, or as a first event has it."""
        maybe = {AggregateKey.of(event): found for event in events if (found := self._last_seen(event)) is not None}
        versions = await self._commands.versions(maybe) if maybe else {}
        return {key: found for key, found in maybe.items() if found.version == versions.get(key)}

    def _last_seen(self, event: DomainEvent) -> Document | None:
        recent = self._recent.get(AggregateKey.of(event))
        return Document.project([event]) if recent is None and event.aggregate_version == 1 else recent

    async def _work_on(self, events: Sequence[DomainEvent], documents: Mapping[AggregateKey, Document]) -> None:
        due = [
            (document, event)
            for event in events
            if (document := documents.get(AggregateKey.of(event))) is not None and self.stage.is_due(document, event)
        ]
        async with Beside(f"{self.stage.name} stores") as storing:
            for part in batches(due, lambda pair: pair[0].text.bytes, max_bytes=SLICE_BYTES):
                results = await self.stage.work(part)
                await storing.begin(partial(self._store, part, results))

    async def _store(self, part: Sequence[tuple[Document, DomainEvent]], results: Sequence[StageOutput]) -> None:
        decided = [Decided(self._decision(event, result)) for (_, event), result in zip(part, results, strict=True)]
        await self._commands.store_many(
            [
                Command(AggregateKey.of(event), Document.project, one, state=document)
                for (document, event), one in zip(part, decided, strict=True)
            ]
        )
        small: list[DomainEvent] = []
        for one in decided:
            if (state := one.state()) is not None:
                self._recent.keep(state)
                if state.text.bytes <= LARGE_BYTES:
                    small += one.events
        if self._then is not None:
            await self._then._handed_on.begin(small)

    def _decision(self, event: DomainEvent, result: StageOutput) -> Decision:
        cause = Cause(
            metadata=EventMetadata(tenant=event.tenant, actor="annals", source=self.stage.name),
            correlation_id=event.correlation_id,
            causation_id=event.event_id,
            event_id=ids.event_id(event.event_id, self.stage.name, self.stage.revision),
        )
        return lambda document: self.stage.decide(document, event.event_id, result, cause)


class Decided:
    """A decision that remembers what came of it, where that is one event of a single try."""

    def __init__(self, decide: Decision) -> None:
        self._decide = decide
        self._tries = 0
        self._before: Document | None = None
        self.events: Sequence[DomainEvent] = ()

    def __call__(self, document: Document | None) -> Sequence[DomainEvent]:
        """As the decision itself."""
        self._tries += 1
        self._before, self.events = document, self._decide(document)
        return self.events

    def state(self) -> Document | None:
        """The document once its event is stored; None where it may be another one."""
        if self._tries != 1 or len(self.events) != 1:
            return None
        return Document.project(self.events, self._before)
