"""The relay, with what it needs."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from annals.composition.master_keys import open_master_key, stream_keys
from annals.settings import Settings
from contracts.topics import topics
from eventstore.kafka.relay import Relay
from eventstore.opening import open_states
from eventstore.pool import close_pool, open_pool
from eventstore.positions import ConsumerPositions
from eventstore.stream_keys import StreamKeys
from services.operations.progress import overall_low_watermark


@contextlib.contextmanager
def relay_of(settings: Settings, dsn: str, broker: str, beat: Callable[[], None]) -> Iterator[Relay]:
    """Connects when it runs."""
    with asyncio.Runner() as runner, RelayOpener(settings, dsn, runner) as opener:
        # Asked once in a broker's life, so it opens what it needs and closes it again.
        yield Relay(dsn, settings.kafka_client(broker), topics(), partial(refill_position, dsn), beat, opener)


class RelayOpener:
    """Opens what is sealed, over a connection of its own, which is made when the first sealed event comes."""

    def __init__(self, settings: Settings, dsn: str, runner: asyncio.Runner) -> None:
        self._settings, self._dsn, self._runner = settings, dsn, runner
        self._stack = contextlib.AsyncExitStack()
        self._keys: StreamKeys | None = None

    def __enter__(self) -> "RelayOpener":
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._stack.aclose())

    def __call__(self, states: Sequence[bytes]) -> Sequence[bytes | None]:
        """Raises StoreUnavailableError, EncryptionError."""
        return self._runner.run(self._open(states))

    async def _open(self, states: Sequence[bytes]) -> Sequence[bytes | None]:
        if self._keys is None:
            pool = await open_pool(self._dsn, max_size=1)
            self._stack.push_async_callback(close_pool, pool)
            master = await self._stack.enter_async_context(open_master_key(self._settings))
            self._keys = await stream_keys(self._settings, pool, master)
        return await open_states(states, self._keys)


def refill_position(dsn: str) -> int:
    """Behind which position a broker that lost everything is filled: PostgreSQL knows. Raises StoreUnavailableError."""

    async def needed() -> int:
        pool = await open_pool(dsn, max_size=1)
        try:
            return await overall_low_watermark(ConsumerPositions(pool), topics())
        finally:
            await close_pool(pool)

    return asyncio.run(needed())
