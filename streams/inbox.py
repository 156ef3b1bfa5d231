"""An inbox: what any Kafka client wrote as `DocumentIngested` is checked, and each delivery is taken in once."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from contracts.envelope import EventMetadata
from contracts.inbox import ForeignTenantError, InboxEvent, decode_inbox
from contracts.topics import InboxTopic, Partition
from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from services.deadline import Deadline, DeadlineExceededError
from services.storage.intake import TAKE_LIMIT_S, Intake, Submission
from streams.delivery_order import DeliveryOrder
from streams.handler import APART_S, BATCH_BYTES
from streams.message import Message

SOURCE_CHARACTERS = 256
"""Longest source of an event."""


class InboxItem(NamedTuple):
    """A document on its way in, and the message that brings it."""

    submission: Submission
    message: Message

    @property
    def key(self) -> AggregateKey:
        """The document."""
        return AggregateKey(self.submission.metadata.tenant, "document", self.submission.document_id)


class InboxHandler:
    """A plain handler around Intake, for one inbox topic: one that stands still holds up no other."""

    # Producers' keys say nothing of documents, and to take a large one in is quick.
    large_bytes = None
    batch_bytes = BATCH_BYTES
    gathers_s = 0.0
    apart_s = APART_S

    def __init__(self, intake: Intake, order: DeliveryOrder, topic: InboxTopic) -> None:
        self._intake = intake
        self._order = order
        self._topic = topic
        self.name = f"inbox:{topic.name}"
        self.topics = (topic.name,)
        self.event_types: frozenset[str] = frozenset()

    def read(self, message: Message) -> InboxItem:
        """Every message is our business. Raises MalformedEventError, ForeignTenantError."""
        event = decode_inbox(message.value)
        document = event.event_data
        submission = Submission(
            document_id=event.aggregate_id,
            title=document.title,
            text=document.text,
            uri=document.uri,
            attributes=document.attributes,
            metadata=self._metadata(event),
            event_id=event.event_id,
            correlation_id=event.correlation_id or str(event.event_id),
            timestamp=event.timestamp,
        )
        return InboxItem(submission, message)

    def size(self, message: Message, item: InboxItem) -> int:
        """The text and what is around it."""
        return len(message.value or b"")

    async def handle(self, items: Sequence[InboxItem], positions: Mapping[Partition, int]) -> None:
        """Take them in. An inbox has no positions: it is not part of the log.

        Raises WaitsBehindError, OutOfDateError, and what Intake raises.
        """
        if items:
            delivered_again = await self._order.check(self.name, [(item.key, item.message) for item in items])
            try:
                await self._intake.take([item.submission for item in items], Deadline.after(TAKE_LIMIT_S))
            except DeadlineExceededError as error:
                # The databases are slow, which is no fault of a message: the same are taken in again.
                raise StoreUnavailableError(str(error)) from error
            await self._order.taken(delivered_again)

    def _metadata(self, event: InboxEvent) -> EventMetadata:
        """Tenants are the topic's. Actor and source are what the producer claims, and the source says so."""
        claimed = event.metadata
        source = self.name if claimed.source is None else f"{self.name}:{claimed.source}"
        return EventMetadata(
            tenant=self._tenant(claimed.tenant), actor=claimed.actor, source=source[:SOURCE_CHARACTERS]
        )

    def _tenant(self, named: str | None) -> str:
        tenants = self._topic.tenants
        if named is None and len(tenants) == 1:
            return tenants[0]
        if named is None:
            raise ForeignTenantError(
                f"metadata.tenant: is missing, and {self._topic.name} speaks for several; name one of {_list(tenants)}"
            )
        if named not in tenants:
            raise ForeignTenantError(
                f"metadata.tenant: {self._topic.name} does not speak for {named!r}, only for {_list(tenants)}; "
                "write to that tenant's inbox, or list the tenant in topics.yaml"
            )
        return named


def _list(tenants: Sequence[str]) -> str:
    return ", ".join(tenants)
