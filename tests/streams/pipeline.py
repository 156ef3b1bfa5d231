"""A document's way without relay and broker: events go from the log straight to the stages."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from contracts.codec import encode
from contracts.envelope import DomainEvent, EventMetadata
from eventstore.reader import EventReader
from inference.model import OutputStore
from services.deadline import Deadline
from services.storage.intake import Intake, Submission
from streams.message import Message
from streams.stage_handler import StageHandler

TITLE = "Ada Lovelace"
TEXT = "Ada Lovelace met Charles Babbage in London. She lived in London. " + "The soup was cold. " * 200
PARTITION = ("annals.documents", 0)


class PresentOutputs:
    """Outputs in the database of the present test, so that the models are loaded once for all tests."""

    def __init__(self) -> None:
        self.store: OutputStore
        self.made = 0

    async def get_many(self, model: str, digests: Sequence[str]) -> dict[str, bytes]:
        """What is kept."""
        return await self.store.get_many(model, digests)

    async def put_many(self, model: str, outputs: Mapping[str, bytes]) -> None:
        """Keep, and count."""
        self.made += len(outputs)
        await self.store.put_many(model, outputs)


class Pipeline:
    """Carries events from the log to the stages, as relay and broker do."""

    def __init__(self, handlers: dict[str, StageHandler], reader: EventReader, intake: Intake) -> None:
        self.handlers = handlers
        self._reader = reader
        self._intake = intake

    async def submit(self, text: str = TEXT, document_id: str = "d1", title: str = TITLE) -> DomainEvent:
        """Take a document in; returns the last event of the log."""
        await self._intake.take(
            [
                Submission(
                    document_id=document_id,
                    title=title,
                    text=text,
                    metadata=EventMetadata(tenant="acme", actor="ada"),
                    event_id=uuid4(),
                    correlation_id="c1",
                )
            ],
            Deadline.after(20),
        )
        return (await self.events())[-1]

    async def events(self) -> list[DomainEvent]:
        """The whole log."""
        return await self._reader.after(0, 10_000)

    async def types(self) -> list[str]:
        """The types of the whole log."""
        return [str(event.event_type) for event in await self.events()]

    async def deliver(self, *names: str, only: Sequence[DomainEvent] | None = None) -> None:
        """Bring everything there is, or these, to the named handlers."""
        for name in names:
            handler = self.handlers[name]
            messages = [record(event) for event in (only if only is not None else await self.events())]
            items = [item for message in messages if (item := handler.read(message)) is not None]
            await handler.handle(items, {PARTITION: max(message.position or 0 for message in messages)})

    async def run(self) -> list[DomainEvent]:
        """All stages, one after the other; returns the whole log."""
        await self.deliver(*self.handlers)
        return await self.events()


def record(event: DomainEvent) -> Message:
    """The event as the relay publishes it."""
    headers = {"event_type": event.event_type.encode(), "position": str(event.position).encode()}
    return Message(*PARTITION, offset=event.position or 0, timestamp=1, key=b"k", value=encode(event), headers=headers)
