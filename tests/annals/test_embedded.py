"""The servers that come with Annals: made once, reachable from this machine alone, and safe to kill."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from confluent_kafka import KafkaException

from annals.embedded import postgres
from annals.embedded.broker import EmbeddedBroker, free_port
from annals.embedded.postgres import SOCKET_PATH_LIMIT, EmbeddedPostgres
from annals.pipeline import pipeline
from annals.settings import load_settings
from contracts.errors import AnnalsError
from projections.dashboards.scram import scram_verifier
from tests.annals.processes import of_folder, until
from tests.conftest import BrokerServer, PostgresServer, Server

pytestmark = pytest.mark.pipeline


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    """A server of this test's own, in a folder whose path is far too long for a socket."""
    server = PostgresServer(tmp_path / ("deep" * 20) / ("er" * 20))
    server.start()
    yield server
    server.stop()


async def test_the_memory_of_the_database_is_what_the_setting_says(tmp_path: Path) -> None:
    supervisor = pipeline(load_settings(data=tmp_path, postgres_memory_mb=96), roles=())
    await supervisor.start()
    try:
        connection = await asyncpg.connect(supervisor.state.addresses["postgres"])
        assert await connection.fetchval("SHOW shared_buffers") == "96MB"
        await connection.close()
    finally:
        await supervisor.stop()


async def test_a_database_is_made_once_and_outlives_a_kill(server: PostgresServer) -> None:
    embedded = server.embedded
    assert len(str(embedded.folder / "socket")) > SOCKET_PATH_LIMIT
    assert len(str(embedded.socket_folder)) <= SOCKET_PATH_LIMIT

    await embedded.ready()
    await embedded.ready()
    connection = await asyncpg.connect(embedded.dsn)
    assert await connection.fetchval("SELECT '[1,2]'::vector::text") == "[1,2]"
    assert (await connection.fetchval("SHOW server_version")).startswith("18")
    assert await connection.fetchval("SHOW listen_addresses") == "", "no network at all"
    await connection.execute("CREATE TABLE kept (number int)")
    for number in range(20):
        await connection.execute("INSERT INTO kept VALUES ($1)", number)

    server.kill()
    connection.terminate()
    assert until(lambda: not of_folder(embedded.folder)), "its own children end by themselves"
    embedded.prepare()
    await asyncio.to_thread(server.start)
    connection = await asyncpg.connect(embedded.dsn)
    assert await connection.fetchval("SELECT array_agg(number ORDER BY number) FROM kept") == list(range(20))
    await connection.close()


def test_the_data_is_closed_to_others(server: PostgresServer) -> None:
    for folder in (server.embedded.folder, server.embedded.folder / "data", server.embedded.socket_folder):
        assert folder.stat().st_mode & 0o077 == 0, folder


def test_the_socket_lies_beside_the_data_where_it_can(tmp_path: Path) -> None:
    short = EmbeddedPostgres(Path("/tmp/short"))
    assert short.socket_folder == Path("/tmp/short/postgres/socket")
    assert "host=/tmp/short/postgres/socket" in short.dsn
    long = [EmbeddedPostgres(Path("/tmp") / ("long" * 30) / name).socket_folder for name in ("one", "other", "one")]
    assert long[0] == long[2] != long[1], "always the same one for a folder, and its own"


def test_half_a_database_is_made_anew(tmp_path: Path) -> None:
    embedded = EmbeddedPostgres(tmp_path)
    for half in ("data", "fresh"):
        (embedded.folder / half / "base").mkdir(parents=True)
    embedded.prepare()
    assert (embedded.folder / "data" / "PG_VERSION").read_text().strip() == "18"
    assert not (embedded.folder / "fresh").exists()


def test_a_cluster_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    initdb = tmp_path / "initdb"
    said = "initdb: error: no space left on device\ninitdb: removing data directory"
    initdb.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    initdb.chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setattr(postgres, "BINARIES", tmp_path)
    with pytest.raises(AnnalsError, match=r"cannot make a database in .*no space left on device"):
        EmbeddedPostgres(tmp_path / "data").prepare()


def test_the_broker_listens_on_this_machine_only(broker: BrokerServer) -> None:
    embedded = broker.embedded
    assert embedded.address == f"127.0.0.1:{embedded.port}"
    listening = {
        address
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        for address, state in [(line.split()[1], line.split()[3])]
        if state == "0A" and int(address.rpartition(":")[2], 16) == embedded.port
    }
    assert listening == {f"0100007F:{embedded.port:04X}"}, "127.0.0.1, as the kernel writes it"


async def test_a_broker_that_is_killed_is_up_again_at_the_same_address(broker: BrokerServer) -> None:
    address = broker.address
    broker.kill()
    with pytest.raises(KafkaException):
        await broker.embedded.ready()
    await asyncio.to_thread(broker.start)
    assert broker.address == address


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert EmbeddedBroker(server.getsockname()[1]).address.startswith("127.0.0.1:")


async def test_only_readers_come_in_over_the_network_by_their_password(tmp_path: Path) -> None:
    """On 127.0.0.1 alone, and only where a port is set."""
    port = free_port()
    embedded = EmbeddedPostgres(tmp_path, port)
    embedded.prepare()
    server = Server(embedded.command(), embedded.ready, tmp_path)
    await asyncio.to_thread(server.start)
    try:
        owner = await asyncpg.connect(embedded.dsn)
        assert await owner.fetchval("SHOW listen_addresses") == "127.0.0.1"
        verifier = scram_verifier("right")
        await owner.execute(
            "CREATE ROLE annals_reader NOLOGIN; "
            f"CREATE ROLE annals_reader_x LOGIN PASSWORD '{verifier}' IN ROLE annals_reader; "
            f"CREATE ROLE somebody LOGIN PASSWORD '{verifier}'"
        )
        await owner.close()

        async def come_in(user: str, password: str, database: str = "annals") -> None:
            await (
                await asyncpg.connect(
                    host="127.0.0.1", port=port, user=user, password=password, database=database, ssl=False
                )
            ).close()

        await come_in("annals_reader_x", "right")
        for user, password, database in (
            ("annals_reader_x", "wrong", "annals"),
            ("annals_reader_x", "right", "postgres"),
            ("somebody", "right", "annals"),
            ("postgres", "", "annals"),
        ):
            with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
                await come_in(user, password, database)
    finally:
        await asyncio.to_thread(server.stop)
