"""Who follows what is published is told of it, and of not being told any more."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import asyncpg

from contracts.topics import Partition
from eventstore.kafka import published
from eventstore.kafka.published import CHANNEL, MAX_CHARACTERS, ends_in, follow_published, spelled
from eventstore.log import EventLog
from tests.conftest import BrokerServer
from tests.eventstore.kafka.relaying import TOPIC, events, relaying

ENDS = {("annals.documents", 0): 7, ("annals.entities", 3): 1}


def test_ends_are_read_as_they_were_spelled() -> None:
    assert ends_in(spelled(ENDS)) == ENDS
    assert ends_in(spelled({})) == {}


def test_more_than_a_notification_holds_is_no_more_than_that_there_is_something() -> None:
    many = {(f"annals.{number}", number): number for number in range(MAX_CHARACTERS // 10)}
    assert spelled(many) == ""


def test_what_nobody_of_ours_says_means_that_there_may_be_something() -> None:
    for said in ("", "[", "7", '{"a":1}', '[["a",0]]', '[["a",0,null]]'):
        assert ends_in(said) == {}


async def test_the_relay_tells_where_partitions_end_once_its_records_are_acknowledged(
    dsn: str, broker: BrokerServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(published, "PAUSE_S", 0.01)
    told: asyncio.Queue[Mapping[Partition, int] | None] = asyncio.Queue()
    following = asyncio.create_task(follow_published(dsn, told.put_nowait))
    async with asyncio.timeout(60):
        with EventLog.connect(dsn) as log:
            assert await told.get() == {}
            with relaying(dsn, broker.address):
                await asyncio.to_thread(log.append, events(20))
                ends: dict[Partition, int] = {}
                while sum(ends.values()) < 20:
                    ends |= await told.get() or {}
                assert {topic for topic, _ in ends} == {TOPIC}
        connection = await asyncpg.connect(dsn)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND query LIKE $1",
            f"%{CHANNEL}%",
        )
        # Nobody tells until it is connected again, and then anything may have been missed.
        while await told.get() is not None:
            pass
        assert await told.get() == {}
        await connection.close()
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    assert told.get_nowait() is None
