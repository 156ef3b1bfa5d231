"""Where a message goes that cannot be decoded or handled: kept whole, with its cause, so that it can be tried again."""

import logging
from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from contracts.codec import MalformedEventError, NewerSchemaError, decode
from contracts.inbox import claimed
from contracts.payload import Identifier
from contracts.topics import InboxTopic, Topics
from eventstore.dead_letters import DeadLetter, DeadLetters
from streams.dead_letter_limit import EVENTS, INBOX, DeadLetterLimit
from streams.message import Message
from telemetry import metrics

log = logging.getLogger(__name__)
_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)


class Origin(NamedTuple):
    """Whose message it is, as far as can be told; an event of the log has `identity` and `event_id` too."""

    tenant: str | None = None
    aggregate_id: str | None = None
    event_id: str | None = None
    identity: str | None = None


class DeadLetterSink:
    """Writes dead letters; the relay publishes them to the dead-letter topic."""

    def __init__(self, letters: DeadLetters, topics: Topics) -> None:
        self._letters = letters
        self._topics = topics

    def limit(self, consumer: str, followed: Collection[str]) -> DeadLetterLimit:
        """The limit on what a consumer of these topics sets aside."""
        policy = INBOX if any(self._topics.inbox(topic) is not None for topic in followed) else EVENTS
        return DeadLetterLimit(consumer, self._letters.paused, policy)

    async def release(self, consumers: Sequence[str]) -> None:
        """Let paused consumers go on. Raises StoreUnavailableError."""
        for consumer in await self._letters.paused.release(consumers):
            log.warning("%s was paused and goes on", consumer)

    async def set_aside(self, consumer: str, message: Message, error: Exception) -> None:
        """Keep `message` with its cause. Setting aside the same one twice keeps one. Raises StoreUnavailableError."""
        cause = " ".join(_storable(str(error)).split()) or type(error).__name__
        log.warning("%s: dead letter %s: %s", consumer, message.identity, cause[:500])
        origin = self._origin(message)
        again = await self.retried(consumer, message)
        # A retry is its letter's, and an event the same when a refilled broker delivers it at another offset.
        identity = again.identity if again is not None else origin.identity or message.identity
        await self._letters.add(
            [
                DeadLetter(
                    tenant=origin.tenant,
                    aggregate_id=origin.aggregate_id,
                    consumer=consumer,
                    identity=identity,
                    topic=message.topic,
                    partition=message.partition,
                    offset=message.offset,
                    key=message.key,
                    value=message.value,
                    headers={
                        _storable(name): _storable(value.decode("utf-8", "replace"))
                        for name, value in message.headers.items()
                    },
                    event_id=origin.event_id,
                    position=message.position if origin.event_id is not None else None,
                    error=type(error).__name__,
                    cause=cause[:2000],
                )
            ]
        )
        metrics.DEAD_LETTERS.labels(consumer, type(error).__name__).inc()

    async def retried(self, consumer: str, message: Message) -> DeadLetter | None:
        """The letter that this message is the relay's retry of. Anybody may write the header that names a letter.

        So the message must know the retry's token, which is used once and which no producer can know, and be the
        letter's own message: of its topic, with the same value or, since values are lifted, the same event.
        """
        if message.dead_letter is None or message.retry_token is None:
            return None
        letter = await self._letters.numbered(message.dead_letter)
        if letter is None or letter.retry_token is None:
            return None
        if (letter.retry_token, letter.consumer, letter.topic) != (message.retry_token, consumer, message.topic):
            return None
        if letter.event_id is None:
            return letter if letter.value == message.value else None
        return letter if letter.event_id == self._origin(message).event_id else None

    async def resolve(self, consumer: str, messages: Sequence[Message]) -> None:
        """Close the letters that these messages were a successful retry of."""
        for message in messages:
            letter = await self.retried(consumer, message)
            if letter is not None:
                await self._letters.resolve(letter)

    def _origin(self, message: Message) -> Origin:
        """Only the relay writes to the topics of events: there, and nowhere else, its headers can be trusted."""
        inbox = self._topics.inbox(message.topic)
        if inbox is not None:
            return _of_inbox(inbox, message)
        if message.topic in {topic.name for topic in self._topics.events} and message.position is not None:
            return _of_event(message)
        return Origin()


def _of_inbox(inbox: InboxTopic, message: Message) -> Origin:
    """A message is its topic's only tenant's, whatever it says; of several, the one that it names."""
    tenant, document_id = claimed(message.value)
    if len(inbox.tenants) == 1:
        return Origin(inbox.tenants[0], document_id)
    return Origin(tenant if tenant in inbox.tenants else None, document_id)


def _of_event(message: Message) -> Origin:
    try:
        event = decode(message.value or b"")
        tenant, aggregate_id, event_id = event.tenant, event.aggregate_id, event.event_id
    except (MalformedEventError, NewerSchemaError):
        # It cannot be read, so the headers must say what it is.
        try:
            tenant = message.headers["tenant"].decode()
            aggregate_id = _IDENTIFIER.validate_python((message.key or b"").decode())
            event_id = UUID(message.headers["event_id"].decode())
        except (KeyError, ValueError, ValidationError):
            return Origin()
    return Origin(tenant, aggregate_id, str(event_id), f"{tenant}/{aggregate_id}/{event_id}")


def _storable(text: str) -> str:
    """PostgreSQL's text knows no NUL and no half surrogate pairs; a letter must be kept whatever it holds."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
