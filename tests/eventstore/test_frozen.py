"""A PostgreSQL that is frozen (SIGSTOP) hangs nothing for longer than its limit, and the error says what happened."""

import asyncio
import signal
import time
from typing import Any

import pytest

from eventstore import connection as connections
from eventstore import lag
from eventstore.connection import connected
from eventstore.errors import StoreUnavailableError
from eventstore.kafka.progress import RelayProgressReader
from eventstore.lag import LagReader
from eventstore.limited_connection import LimitedConnection
from eventstore.log import EventLog
from eventstore.pool import acquire, close_pool, open_pool, transaction
from tests.eventstore.kafka.relaying import events
from tests.support.frozen import LIMIT_S, Freezer, freezer

__all__ = ["freezer"]


def test_an_append_ends(freezer: Freezer) -> None:
    with EventLog.connect(freezer.dsn) as log:
        log.append(events(1))
        freezer.signal(signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match=r"PostgreSQL does not answer: \w"):
            log.append(events(1, "late"))
        assert time.monotonic() - began < 8 * LIMIT_S
        freezer.signal(signal.SIGCONT)
        log.append(events(1, "again"))


def test_the_relays_progress_is_not_waited_for(freezer: Freezer) -> None:
    reader = RelayProgressReader(freezer.dsn)
    reader.read()
    freezer.signal(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="no answer within 1 s"):
        reader.read()
    assert time.monotonic() - began < 3 * LIMIT_S
    freezer.signal(signal.SIGCONT)
    reader.read()


def test_the_lag_of_consumers_is_not_waited_for(freezer: Freezer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "ANSWER_LIMIT_S", LIMIT_S)
    connect = LagReader._connect

    def frozen(reader: LagReader) -> LimitedConnection[Any]:
        connection = connect(reader)
        freezer.signal(signal.SIGSTOP)
        return connection

    reader = LagReader(freezer.dsn, {})
    reader.read()
    with monkeypatch.context() as patched:
        patched.setattr(LagReader, "_connect", frozen)
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="no answer within 1 s"):
            reader.read()
        assert time.monotonic() - began < 5 * LIMIT_S
    with pytest.raises(StoreUnavailableError, match="cannot read how far"):
        reader.read()
    assert time.monotonic() - began < 12 * LIMIT_S
    freezer.signal(signal.SIGCONT)
    reader.read()


@pytest.mark.parametrize("in_transaction", [False, True])
async def test_a_query_of_the_pool_ends(freezer: Freezer, in_transaction: bool) -> None:
    pool = await open_pool(freezer.dsn, max_size=1)
    try:
        freezer.signal(signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match=r"PostgreSQL .*\w"):
            async with (transaction if in_transaction else acquire)(pool) as connection:
                await connection.execute("SELECT 1")
        assert time.monotonic() - began < 5 * LIMIT_S
    finally:
        await close_pool(pool)


async def test_a_connection_outside_of_the_pool_ends(freezer: Freezer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CLOSE_LIMIT_S", LIMIT_S)
    async with asyncio.timeout(20):
        with pytest.raises(TimeoutError):
            async with connected(freezer.dsn, limit_s=20, command_limit_s=LIMIT_S) as connection:
                freezer.signal(signal.SIGSTOP)
                await connection.execute("SELECT 1")
