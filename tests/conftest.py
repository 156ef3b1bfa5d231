"""Real servers for the tests: one embedded PostgreSQL a run, a fresh database a test."""

import asyncio
import contextlib
import gc
import itertools
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import psutil
import psycopg
import pytest

from annals.embedded.broker import EmbeddedBroker, free_port
from annals.embedded.postgres import EmbeddedPostgres
from eventstore.migrations import migrate
from tests.support import measuring, tiers

if TYPE_CHECKING:
    from tests.projections.history import History

# How long an example takes says what else the machine does. What hangs is ended by the test's own limit.
# A commit is judged by the same examples wherever it is tested, `make test-unit` by the first of them; `make test-long`
# looks for others.
hypothesis.settings.register_profile("annals", deadline=None, derandomize=True)
hypothesis.settings.register_profile("few", deadline=None, derandomize=True, max_examples=20)
hypothesis.settings.register_profile("search", deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("ANNALS_TEST_EXAMPLES", "annals"))

_NUMBERS = itertools.count(1)
# A machine that goes down may take the tests' databases along. A killed server loses nothing all the same: a commit is
# handed to the operating system before it is acknowledged.
UNSAFE = ("fsync=off", "full_page_writes=off")
MAKING_LIMIT_S = 30.0


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Import no file that another process tests."""
    return True if tiers.is_of_another_part(collection_path) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the unit tests."""
    for item in items:
        if tiers.is_unit(item):
            item.add_marker(pytest.mark.unit)


def pytest_collection_finish() -> None:
    """What was imported and collected stays; no collection of garbage looks through it."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A unit test may start no server."""
    tiers.tell(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """What Hypothesis makes is not measured."""
    with measuring.unmeasured() if measuring.is_made(item) else contextlib.nullcontext():
        return (yield)


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
        self._spawn()
        eventually(self._answers)

    def _spawn(self) -> None:
        self.process = subprocess.Popen(
            self._command, cwd=self._cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )

    async def _answers(self) -> None:
        # A child that was begun during the kill holds its memory a moment longer, and the next one gives up for that.
        if self.process is not None and self.process.poll() is not None:
            self._spawn()
        await self._ready()

    def kill(self) -> None:
        """As a crash of the machine would: at once, with its children, which else go on answering until they notice."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self.process.wait(10)
        psutil.wait_procs(children, 10)

    def stop(self) -> None:
        """In good order, killed if that takes long."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait(10)


class PostgresServer(Server):
    """The embedded PostgreSQL, which does not wait for the disk; with `settings` of a test's own.

    `by`: the command that starts its command.
    """

    def __init__(self, folder: Path, *settings: str, by: Sequence[str] = ()) -> None:
        self.embedded = EmbeddedPostgres(folder)
        self.embedded.prepare()
        chosen = [part for setting in (*UNSAFE, *settings) for part in ("-c", setting)]
        super().__init__([*by, *self.embedded.command(), *chosen], self.embedded.ready, folder)

    def dsn(self, database: str) -> str:
        """Address of one database."""
        return self.embedded.dsn.replace("/annals?", f"/{database}?")

    def execute(self, statement: str) -> None:
        """One statement of an administrator."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement.encode())


class Databases:
    """Fresh, migrated databases. The next one is made, and the last one dropped, while a test has its own."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._thread = ThreadPoolExecutor(1, "databases")
        self._next = self._thread.submit(self._make)
        self._dropped: list[Future[None]] = []

    def take(self) -> str:
        """The name of one."""
        name, self._next = self._next.result(), self._thread.submit(self._make)
        return name

    def drop(self, name: str) -> None:
        """Soon."""
        self._dropped.append(self._thread.submit(self._execute, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))

    def close(self) -> None:
        """Raises what dropping raised."""
        self._thread.shutdown(cancel_futures=True)
        for dropped in self._dropped:
            if not dropped.cancelled():
                dropped.result()

    def _make(self) -> str:
        name = f"test_{next(_NUMBERS)}"
        self._execute(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE annals")
        return name

    def _execute(self, *statements: str) -> None:
        """Some tests kill the server and start it again: all of them once more then."""
        end = time.monotonic() + MAKING_LIMIT_S
        while True:
            try:
                for statement in statements:
                    self._server.execute(statement)
                return
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)


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


@pytest.fixture(scope="session")
def databases(postgres_server: PostgresServer) -> Iterator[Databases]:
    """Of the run's server."""
    made = Databases(postgres_server)
    yield made
    made.close()


@pytest.fixture
def dsn(postgres_server: PostgresServer, databases: Databases) -> Iterator[str]:
    """A fresh, migrated database."""
    name = databases.take()
    yield postgres_server.dsn(name)
    databases.drop(name)


@pytest.fixture
async def history(dsn: str) -> AsyncIterator["History"]:
    """A log in which nothing happened yet, and what happens in it."""
    from tests.projections.history import open_history

    async with open_history(dsn) as opened:
        yield opened
