"""Real servers for the tests: one embedded PostgreSQL a run, a fresh database a test."""

import asyncio
import contextlib
import itertools
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from annals.embedded.broker import EmbeddedBroker, free_port
from annals.embedded.postgres import EmbeddedPostgres
from eventstore.migrations import migrate
from tests.support import tiers

_NUMBERS = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the unit tests."""
    for item in items:
        if tiers.is_unit(item):
            item.add_marker(pytest.mark.unit)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A unit test may start no server."""
    tiers.tell(item)


def eventually(ready: Callable[[], Coroutine[Any, Any, None]], limit_s: float = 30.0) -> None:
    """Wait until `ready` stops raising."""
    end = time.monotonic() + limit_s
    while True:
        try:
            asyncio.run(ready())
            return
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


class Server:
    """A server process that tests may kill and start again."""

    def __init__(self, command: list[str], ready: Callable[[], Coroutine[Any, Any, None]], cwd: Path) -> None:
        self._command, self._ready, self._cwd = command, ready, cwd
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        tiers.refuse_in_unit_tests("a server")
        self.process = subprocess.Popen(
            self._command, cwd=self._cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        eventually(self._ready)

    def kill(self) -> None:
        """As a crash would: at once."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """In good order, killed if that takes long."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait(10)


class PostgresServer(Server):
    """The embedded PostgreSQL."""

    def __init__(self, folder: Path) -> None:
        self.embedded = EmbeddedPostgres(folder)
        self.embedded.prepare()
        super().__init__(self.embedded.command(), self.embedded.ready, folder)

    def dsn(self, database: str) -> str:
        """Address of one database."""
        return self.embedded.dsn.replace("/annals?", f"/{database}?")


class BrokerServer(Server):
    """The embedded broker; it forgets everything when it is killed."""

    def __init__(self, folder: Path) -> None:
        self.embedded = EmbeddedBroker(free_port())
        super().__init__(self.embedded.command(), self.embedded.ready, folder)

    @property
    def address(self) -> str:
        """Bootstrap address."""
        return self.embedded.address


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerServer]:
    """An empty broker."""
    server = BrokerServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One server for the whole run, with a migrated template database."""
    server = PostgresServer(tmp_path_factory.mktemp("pg"))
    server.start()
    asyncio.run(migrate(server.embedded.dsn))
    yield server
    server.stop()


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def dsn(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh, migrated database."""
    name, admin = f"test_{next(_NUMBERS)}", postgres_server.dsn("postgres")
    asyncio.run(_execute(admin, f"CREATE DATABASE {name} TEMPLATE annals"))
    yield postgres_server.dsn(name)
    asyncio.run(_execute(admin, f"DROP DATABASE {name} WITH (FORCE)"))
