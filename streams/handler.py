"""What a plain handler looks like, and how its failures are told apart."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from contracts.errors import AnnalsError
from contracts.topics import Partition
from streams.message import Message

Item = TypeVar("Item")


BATCH_BYTES = 512 * 1024
"""Of events that are only decoded and written."""


APART_S = 0.025
"""Of a consumer that sees each document once: a lone one waits for nothing at its hops."""
GATHERS_S = 0.25
"""Of consumers whose batches are transactions of a dozen statements, however many events there are in them."""


class WaitsBehindError(AnnalsError):
    """An earlier message of the same aggregate is a dead letter; retry or drop that one first."""


class Handler(Protocol[Item]):
    """Processes batches of messages, several at once. Doing it twice must change nothing."""

    @property
    def name(self) -> str:
        """The consumer's name: in positions, dead letters and logs."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics it follows."""
        ...

    @property
    def event_types(self) -> frozenset[str]:
        """What is had from the event store where Kafka deleted it unread; nothing for what is not in the log."""
        ...

    def read(self, message: Message) -> Item | None:
        """The message as this handler wants it; None when it is none of its business.

        Raises MalformedEventError for bytes that say nothing it can understand, NewerSchemaError for those of a newer
        Annals.
        """
        ...

    @property
    def large_bytes(self) -> int | None:
        """An item of a larger size is handled by itself, while others of other aggregates are; None: all in order."""
        ...

    @property
    def batch_bytes(self) -> int:
        """A batch ends with the item that takes it beyond this size."""
        ...

    @property
    def gathers_s(self) -> float:
        """Where many come at once, a batch begins so long after the one before, or when it is full: where a batch costs
        by itself, fewer of them are cheaper."""
        ...

    @property
    def apart_s(self) -> float:
        """The same where few come at once. What comes after nothing came for so long waits for nothing."""
        ...

    def size(self, message: Message, item: Item) -> int:
        """What there is to work through, in bytes, so that small items need not wait for large ones."""
        ...

    async def handle(self, items: Sequence[Item], positions: Mapping[Partition, int]) -> None:
        """Process `items`, then remember that everything up to `positions` was processed.

        Raises StoreUnavailableError when a server is away (the same batch is tried again), NewerSchemaError when the
        log holds what only a newer Annals reads (the process ends, the batch is left to a newer one) and anything else
        when an item cannot be processed (the batch is then tried item by item, and the culprit set aside).
        """
        ...
