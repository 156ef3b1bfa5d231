"""The relay, with what it needs."""

import asyncio
from collections.abc import Callable
from functools import partial

from annals.settings import Settings
from contracts.topics import topics
from eventstore.kafka.relay import Relay
from eventstore.pool import close_pool, open_pool
from eventstore.positions import ConsumerPositions
from services.operations.progress import overall_low_watermark


def relay_of(settings: Settings, dsn: str, broker: str, beat: Callable[[], None]) -> Relay:
    """Connects when it runs."""
    # Asked once in a broker's life, so it opens what it needs and closes it again.
    return Relay(dsn, settings.kafka_client(broker), topics(), partial(refill_position, dsn), beat)


def refill_position(dsn: str) -> int:
    """Behind which position a broker that lost everything is filled: PostgreSQL knows. Raises StoreUnavailableError."""

    async def needed() -> int:
        pool = await open_pool(dsn, max_size=1)
        try:
            return await overall_low_watermark(ConsumerPositions(pool), topics())
        finally:
            await close_pool(pool)

    return asyncio.run(needed())
