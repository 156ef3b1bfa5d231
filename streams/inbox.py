"""The inbox: what any Kafka client wrote as `DocumentIngested` is checked, and taken in once by its event_id."""

from collections.abc import Mapping, Sequence

from contracts.inbox import InboxEvent, decode_inbox
from contracts.topics import Partition, Topics
from streams.intake import Intake, Submission
from streams.message import Message


class InboxHandler:
    """A plain handler around Intake."""

    name = "inbox"

    def __init__(self, intake: Intake, topics: Topics) -> None:
        self._intake = intake
        self.topics = (topics.inbox.name,)

    def read(self, message: Message) -> InboxEvent:
        """Every message is our business. Raises MalformedEventError."""
        return decode_inbox(message.value)

    async def handle(self, items: Sequence[InboxEvent], positions: Mapping[Partition, int]) -> None:
        """Take them in. The inbox has no positions: it is not part of the log."""
        if items:
            await self._intake.take([_submission(item) for item in items])


def _submission(event: InboxEvent) -> Submission:
    document = event.event_data
    return Submission(
        document_id=event.aggregate_id,
        title=document.title,
        text=document.text,
        uri=document.uri,
        attributes=document.attributes,
        metadata=event.metadata,
        event_id=event.event_id,
        correlation_id=event.correlation_id or str(event.event_id),
        timestamp=event.timestamp,
    )
