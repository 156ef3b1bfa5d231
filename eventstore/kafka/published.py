"""What the relay published, said by notifications of PostgreSQL: who reads the topics need not ask a broker for it."""

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Callable, Mapping

import asyncpg

from contracts.topics import Partition
from eventstore.connection import connected
from eventstore.errors import StoreUnavailableError
from eventstore.pool import AWAY

log = logging.getLogger(__name__)

CHANNEL = "published"
MAX_CHARACTERS = 7000
"""PostgreSQL takes less than 8,000 bytes."""
CONNECT_LIMIT_S = ANSWER_LIMIT_S = 10.0
LOOK_S = 30.0
"""After which it asks whether the server is still there."""
PAUSE_S = 1.0
"""Before it connects again."""

Tell = Callable[[Mapping[Partition, int] | None], None]
"""Told where partitions end now, nothing where any may have more, and None where nobody hears what is published."""


def spelled(ends: Mapping[Partition, int]) -> str:
    """As a notification says them; nothing where there are too many."""
    text = json.dumps([[*partition, end] for partition, end in sorted(ends.items())], separators=(",", ":"))
    return text if len(text) < MAX_CHARACTERS else ""


def ends_in(text: str) -> dict[Partition, int]:
    """What `spelled` says; nothing where it is anything else."""
    try:
        return {(str(topic), int(partition)): int(end) for topic, partition, end in json.loads(text)}
    except (ValueError, TypeError):
        return {}


async def follow_published(dsn: str, tell: Tell) -> None:
    """Have `tell` called until cancelled. While the database is away, that is tried again and again."""
    while True:
        try:
            async with connected(dsn, limit_s=CONNECT_LIMIT_S, command_limit_s=ANSWER_LIMIT_S) as connection:
                await _listen(connection, tell)
        except StoreUnavailableError as error:
            log.warning("following what is published: %s; trying again", error)
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("following what is published: the connection broke (%s); trying again", error)
        finally:
            tell(None)
        await asyncio.sleep(PAUSE_S * random.uniform(0.5, 1.0))


async def _listen(connection: asyncpg.Connection, tell: Tell) -> None:
    """Until the connection ends."""
    ended = asyncio.Event()
    connection.add_termination_listener(lambda _: ended.set())
    await connection.add_listener(CHANNEL, lambda *said: tell(ends_in(str(said[-1]))))
    # What was published before is looked for.
    tell({})
    while not connection.is_closed():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await ended.wait()
        if not connection.is_closed():
            await connection.execute("SELECT 1")
