"""Connections for a short while: who is at fault is said rightly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import psycopg
import pytest

from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool, acquire, close_pool, open_pool, take_turn, transaction, turn


class SwitchedError(StoreUnavailableError):
    """What a caller within the block knows better."""


async def test_what_the_block_says_of_a_store_is_not_said_again_in_other_words(pool: PostgresPool) -> None:
    with pytest.raises(SwitchedError, match="it was replaced"):
        async with acquire(pool):
            raise SwitchedError("it was replaced")


async def test_a_connection_goes_back_without_a_question_and_without_a_transaction(dsn: str) -> None:
    pool = await open_pool(dsn, max_size=1)
    asked: list[str] = []
    async with acquire(pool) as connection:
        connection.add_query_logger(lambda record: asked.append(record.query))
        await connection.execute("BEGIN; CREATE TABLE annals.left_open ()")
    async with acquire(pool) as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("SELECT to_regclass('annals.left_open')") is None
    assert not [query for query in asked if "RESET" in query or "UNLISTEN" in query]
    await pool.close()


async def test_who_waits_for_a_turn_leaves_connections_to_who_has_one(pool: PostgresPool) -> None:
    many, had = 3 * pool.get_max_size(), list[int]()

    async def have(number: int) -> None:
        async with turn(pool, "one"), acquire(pool) as another:
            had.append(await another.fetchval("SELECT $1::int", number))

    async with asyncio.timeout(20):
        await asyncio.gather(*map(have, range(many)))
    assert sorted(had) == list(range(many))


async def test_a_turn_that_somebody_else_has_holds_up_no_other(pool: PostgresPool, dsn: str) -> None:
    elsewhere = await open_pool(dsn, max_size=1)

    async def have(name: str) -> None:
        async with turn(pool, name), acquire(pool) as another:
            await another.fetchval("SELECT 1")

    async with transaction(elsewhere) as connection:
        await take_turn(connection, "one")
        waiting = [asyncio.create_task(have("one")) for _ in range(3 * pool.get_max_size())]
        await asyncio.sleep(0)
        async with asyncio.timeout(20):
            await have("two")
        assert not any(task.done() for task in waiting)
    async with asyncio.timeout(20):
        await asyncio.gather(*waiting)
    await elsewhere.close()


@pytest.mark.parametrize(
    "lacking", ["disk_full", "out_of_memory", "configuration_limit_exceeded", "system_error", "io_error"]
)
async def test_a_server_that_lacks_what_it_needs_is_waited_for(pool: PostgresPool, lacking: str) -> None:
    with pytest.raises(StoreUnavailableError, match="no room on the disk"):
        async with transaction(pool) as connection:
            await connection.execute(f"DO $$ BEGIN RAISE {lacking} USING MESSAGE = 'no room on the disk'; END $$")
    async with acquire(pool) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_connection_that_is_lost_while_it_is_made_takes_no_place_in_the_pool(dsn: str) -> None:
    async def lost(connection: asyncpg.Connection) -> None:
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        other = await asyncpg.connect(dsn)
        try:
            await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            async with asyncio.timeout(20):
                await ended.wait()
        finally:
            await other.close()

    losing = True

    async def init(connection: asyncpg.Connection) -> None:
        if losing:
            await lost(connection)

    pool = await open_pool(dsn, min_size=0, max_size=2, init=init)
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            async with acquire(pool, wait_s=5) as connection:
                await connection.fetchval("SELECT 1")
    losing = False
    async with acquire(pool, wait_s=5) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await pool.close()


@asynccontextmanager
async def hanging_up_late(dsn: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The address of a relay to PostgreSQL that passes on all that a server says, but not that it hangs up; and whether
    it did."""
    target = psycopg.conninfo.conninfo_to_dict(dsn)
    opened: list[asyncio.StreamWriter] = []
    passing: set[asyncio.Task[None]] = set()
    hung_up = asyncio.Event()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(4096):
            writer.write(said)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await pass_on(reader, writer)
        hung_up.set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_unix_connection(f"{target['host']}/.s.PGSQL.5432")
        opened.extend((writer, asks))
        passing.update((asyncio.create_task(pass_on(reader, asks)), asyncio.create_task(answer(answers, writer))))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://postgres@127.0.0.1:{port}/{target['dbname']}?sslmode=disable", hung_up
    finally:
        server.close()
        for task in passing:
            task.cancel()
        for writer in opened:
            writer.close()


async def test_what_is_asked_of_a_connection_that_the_server_ended_takes_no_place_in_the_pool(
    pool: PostgresPool, dsn: str
) -> None:
    async with hanging_up_late(dsn) as (address, hung_up):
        small = await open_pool(address, max_size=1)
        with pytest.raises(StoreUnavailableError, match="another operation"):
            async with acquire(small, wait_s=5) as connection:
                async with acquire(pool) as other:
                    await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
                await asyncio.wait_for(hung_up.wait(), 20)
                for _ in range(10):  # its last word is read
                    await asyncio.sleep(0)
                await connection.fetchval("SELECT 1")
        async with acquire(small, wait_s=5) as connection:
            assert await connection.fetchval("SELECT 1") == 1
        await close_pool(small)


async def test_a_connection_that_is_lost_while_its_statement_is_called_off_is_given_up(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where one of several statements failed: the others are called off, and the server that failed it is gone."""
    monkeypatch.setattr("eventstore.pool.RELEASE_LIMIT_S", 0.2)
    small = await open_pool(dsn, max_size=1)
    asked = asyncio.Event()
    connections: list[Any] = []

    async def ask() -> None:
        async with transaction(small) as connection:
            held: Any = connection
            connections.append(held._con)
            asked.set()
            await connection.execute("SELECT pg_sleep(60)")

    asking = asyncio.create_task(ask())
    await asked.wait()
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.sleep(0)
    connections[0]._transport.abort()
    done, _ = await asyncio.wait({asking}, timeout=20)
    assert done and asking.cancelled()
    async with acquire(small, wait_s=5) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await close_pool(small)


async def test_what_a_type_of_the_server_is_made_of_is_asked_once_a_pool(pool: PostgresPool) -> None:
    async def asked_for(arguments: str, *values: object) -> int:
        asked: list[str] = []
        connection = await pool.acquire()
        held.append(connection)
        with connection.query_logger(lambda record: asked.append(record.query)):
            found = await connection.fetchrow(f"SELECT {arguments}", *values)
        assert found is not None and tuple(found) == values
        return sum("typeinfo_tree" in query for query in asked)

    held: list[Any] = []
    own = "$1::uuid[], $2::timestamptz[], $3::bigint[]", [uuid4()], [datetime.now(UTC)], [7]
    assert await asked_for(*own) == 1
    assert await asked_for(*own) == 0
    await held[0].execute("CREATE TYPE annals.mood AS ENUM ('sad', 'glad')")
    for _ in range(2):
        assert await asked_for("$1::annals.mood[]", ["glad"]) == 1, (
            "another database may have another type of its number"
        )
    for connection in held:
        await pool.release(connection)
