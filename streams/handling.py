"""From messages to a handler: each is handled, none of its business, or set aside with its cause."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from contracts.codec import NewerSchemaError
from contracts.topics import Partition
from eventstore.errors import StoreUnavailableError, reason_of
from eventstore.retries import retry_unavailable
from streams.dead_letter_sink import DeadLetterSink
from streams.handler import Handler, WaitsBehindError
from streams.in_flight import Acknowledged, Delivered
from streams.message import Message
from streams.metering import metered

log = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")

UNAVAILABLE_LIMIT_S = 3600.0
"""A store that stays away longer ends the worker, which is started again and waits anew."""
LONGEST_PAUSE_S = 5.0


class Handling(Generic[Item]):
    """`processed` counts messages; `stores_away` counts who waits for a store that is away.

    What a method does while a store is away it does again, for UNAVAILABLE_LIMIT_S; then it raises
    StoreUnavailableError. All raise NewerSchemaError for what only a newer Annals reads.
    """

    def __init__(self, handler: Handler[Item], dead_letter_sink: DeadLetterSink) -> None:
        self.processed = 0
        self.stores_away = 0
        self._handler = handler
        self._dead_letter_sink = dead_letter_sink
        self._limit = dead_letter_sink.limit(handler.name, handler.topics)
        self._handled: dict[Partition, int] = {}
        self._unsaid: dict[Partition, int] | None = None

    @property
    def is_paused(self) -> bool:
        """Whether too many messages became dead letters, so that nothing is processed until somebody acts."""
        return self._limit.is_paused

    def read(self, message: Message, event: Acknowledged | None = None) -> Delivered[Item]:
        """The message with what the handler makes of it, or with the error."""
        try:
            item = self._handler.read(message)
            if item is None:
                return Delivered(event, message)
            size, limit = self._handler.size(message, item), self._handler.large_bytes
            return Delivered(event, message, item, size=size, is_large=limit is not None and size > limit)
        except NewerSchemaError:
            raise
        except Exception as error:  # MalformedEventError, or bytes that nobody thought of: the stream goes on
            return Delivered(event, message, error=error)

    async def process(self, batch: Sequence[Delivered[Item]], positions: Mapping[Partition, int]) -> None:
        """Everything up to `positions` is processed then."""
        await self._limit.released()
        wanted: list[tuple[Message, Item]] = []
        for delivery in batch:
            if delivery.error is not None:
                await self._set_aside(delivery.message, delivery.error)
            elif delivery.item is not None:
                wanted.append((delivery.message, delivery.item))
        try:
            await self._try([item for _, item in wanted], positions)
        except (StoreUnavailableError, NewerSchemaError):
            raise
        except Exception as error:
            await self._one_by_one(wanted, error)
            await self._try([], positions)
            return
        await self._resolve([message for message, _ in wanted])
        self._limit.handled(len(wanted))
        self.processed += len(batch)

    async def keep(self, positions: Mapping[Partition, int]) -> None:
        """Let the handler remember that everything up to `positions` is done."""
        await self._try([], positions)

    async def keep_news(self, positions: Mapping[Partition, int]) -> None:
        """Those of them that it does not remember yet."""
        news = {one: position for one, position in positions.items() if position > self._handled.get(one, -1)}
        if news:
            await self._try([], news)

    def hold_positions(self) -> None:
        """From now on the handler keeps none, until `release_positions`."""
        self._unsaid = {}

    def release_positions(self) -> Mapping[Partition, int]:
        """It keeps them again; those that it would have kept meanwhile."""
        unsaid, self._unsaid = self._unsaid or {}, None
        return unsaid

    async def retry_unavailable(self, act: Callable[[], Awaitable[Result]]) -> Result:
        """Do what may be done twice, again while a store is away; `stores_away` says so meanwhile."""
        waiting = False

        def wait(error: BaseException) -> None:
            nonlocal waiting
            if not waiting:
                waiting = True
                self.stores_away += 1
                log.warning("%s waits: %s", self._handler.name, reason_of(error))

        try:
            result = await retry_unavailable(
                act, limit_s=UNAVAILABLE_LIMIT_S, longest_pause_s=LONGEST_PAUSE_S, before_pause=wait
            )
        finally:
            if waiting:
                self.stores_away -= 1
        if waiting:
            log.info("%s: the store is back", self._handler.name)
        return result

    async def _one_by_one(self, wanted: Sequence[tuple[Message, Item]], batch_error: Exception) -> None:
        if len(wanted) > 1:
            log.warning(
                "%s: a batch of %d failed (%s); trying its items singly",
                self._handler.name,
                len(wanted),
                batch_error,
            )
        for message, item in wanted:
            try:
                await self._try([item], {})
            except (StoreUnavailableError, NewerSchemaError):
                raise
            except Exception as error:
                await self._set_aside(message, error)
            else:
                await self._resolve([message])
                self._limit.handled(1)
            self.processed += 1

    async def _try(self, items: Sequence[Item], positions: Mapping[Partition, int]) -> None:
        if self._unsaid is not None:
            self._unsaid.update({one: max(at, self._unsaid.get(one, 0)) for one, at in positions.items()})
            positions = {}

        async def handle() -> None:
            with metered(self._handler.name, len(items)):
                await self._handler.handle(items, positions)

        await self.retry_unavailable(handle)
        for partition, position in positions.items():
            self._handled[partition] = max(position, self._handled.get(partition, -1))

    async def _set_aside(self, message: Message, error: Exception) -> None:
        async def count() -> None:
            # What fails again when it is tried again was counted before; what waits did not fail.
            if (
                not isinstance(error, WaitsBehindError)
                and await self._dead_letter_sink.retried(self._handler.name, message) is None
            ):
                self._limit.failed()

        await self.retry_unavailable(count)
        await self.retry_unavailable(lambda: self._limit.admit(str(error) or type(error).__name__))
        await self.retry_unavailable(lambda: self._dead_letter_sink.set_aside(self._handler.name, message, error))

    async def _resolve(self, messages: Sequence[Message]) -> None:
        await self.retry_unavailable(lambda: self._dead_letter_sink.resolve(self._handler.name, messages))
