"""Where a message goes that cannot be decoded or handled: kept whole, with its cause, so that it can be tried again."""

import logging
from collections.abc import Sequence

from contracts.codec import MalformedEventError, decode
from eventstore.dead_letters import DeadLetter, DeadLetters
from streams.message import Message
from telemetry import metrics

log = logging.getLogger(__name__)


class DeadLetterSink:
    """Writes dead letters; the relay publishes them to the dead-letter topic."""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    async def set_aside(self, consumer: str, message: Message, error: Exception) -> None:
        """Keep `message` with its cause. Setting aside the same one twice keeps one. Raises StoreUnavailableError."""
        cause = " ".join(_storable(str(error)).split()) or type(error).__name__
        log.warning("%s: dead letter %s: %s", consumer, message.identity, cause[:500])
        tenant, event_id = _origin(message)
        # An event keeps its identity when a refilled broker delivers it at another offset, and so does a retry.
        identity = event_id or await self._tried_again(consumer, message) or message.identity
        await self._letters.add(
            [
                DeadLetter(
                    tenant=tenant,
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
                    event_id=event_id,
                    position=message.position,
                    error=type(error).__name__,
                    cause=cause[:2000],
                )
            ]
        )
        metrics.DEAD_LETTERS.labels(consumer, type(error).__name__).inc()

    async def _tried_again(self, consumer: str, message: Message) -> str | None:
        """Identity of the letter that this message is another try of; whoever wrote the header, the letter decides."""
        letter = await self._letters.get(message.dead_letter) if message.dead_letter is not None else None
        if letter is None or (letter.consumer, letter.value) != (consumer, message.value):
            return None
        return letter.identity

    async def resolve(self, consumer: str, messages: Sequence[Message]) -> None:
        """Close the letters that these messages were a successful retry of."""
        ids = [message.dead_letter for message in messages if message.dead_letter is not None]
        if ids:
            await self._letters.resolve(ids, consumer=consumer)


def _storable(text: str) -> str:
    """PostgreSQL's text knows no NUL and no half surrogate pairs; a letter must be kept whatever it holds."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _origin(message: Message) -> tuple[str | None, str | None]:
    """Tenant and event id, where the message is a stored event."""
    if message.position is None or message.value is None:
        return None, None
    try:
        event = decode(message.value)
    except MalformedEventError:
        return None, None
    return event.tenant, str(event.event_id)
