"""Deliveries of one document are taken in in their order, also when one of them was set aside.

A delivery is the whole document, so one that is taken in after a newer one would undo it. Only inboxes need this. A
stage works on what its document holds now and passes over events of what was replaced, so the next event is the cure of
a failed one and must not wait for it; a read model that misses a version fetches the aggregate from the event store.
"""

from collections.abc import Sequence

from contracts.codec import MalformedEventError
from contracts.errors import AnnalsError
from contracts.event_types import CONTENT_TYPES
from contracts.inbox import ForeignTenantError
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from services.storage.intake import DocumentTooLargeError
from streams.dead_letter_sink import DeadLetterSink
from streams.handler import WaitsBehindError
from streams.message import Message


class OutOfDateError(AnnalsError):
    """The document was taken in anew or deleted since; drop this letter, or send the document again."""


REFUSALS = tuple(
    error.__name__ for error in (MalformedEventError, ForeignTenantError, DocumentTooLargeError, OutOfDateError)
)
"""Faults of the message itself: its producer mends them with the next one, which therefore does not wait."""


class DeliveryOrder:
    """Tells whether deliveries may be taken in now."""

    def __init__(self, letters: DeadLetters, sink: DeadLetterSink, reader: EventReader) -> None:
        self._letters = letters
        self._sink = sink
        self._reader = reader

    async def check(self, consumer: str, deliveries: Sequence[tuple[AggregateKey, Message]]) -> list[DeadLetter]:
        """Letters of these very messages, where a message is delivered again without anybody having asked for it.

        Raises WaitsBehindError, OutOfDateError for the first that may not be taken in, StoreUnavailableError.
        """
        delivered_again: list[DeadLetter] = []
        held = await self._letters.undone(consumer, list(dict.fromkeys(key for key, _ in deliveries)), REFUSALS)
        for key, message in deliveries:
            letter = await self._sink.retried(consumer, message)
            before = _before(letter, message, held.get(key, []))
            if before and before[-1].identity == message.identity:
                delivered_again.append(before.pop())
            if before:
                raise WaitsBehindError(
                    f"waits behind dead letter {before[0].id}, an earlier delivery of the same document; "
                    "retry or drop that one, and this one is tried with it"
                )
            if letter is not None and letter.head is not None:
                newest = await self._reader.last.position(key, CONTENT_TYPES)
                if newest > letter.head:
                    raise OutOfDateError(
                        "the document was taken in anew or deleted since; drop this letter, or send the document again"
                    )

        return delivered_again

    async def taken(self, letters: Sequence[DeadLetter]) -> None:
        """What `check` returned was taken in. Raises StoreUnavailableError."""
        for letter in letters:
            await self._letters.resolve(letter)


def _before(letter: DeadLetter | None, message: Message, held: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Of a document's letters, the oldest first: those before the message, with its own last where it has one."""
    before: list[DeadLetter] = []
    for one in held:
        if letter is not None and one.id == letter.id:
            break
        before.append(one)
        if one.identity == message.identity:
            break
    return before
