"""A PostgreSQL that is frozen (SIGSTOP) hangs nothing for longer than its limit, and the error says what happened."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstore import limited_connection
from eventstore import log as logs
from eventstore import pool as pools
from eventstore.errors import StoreUnavailableError
from eventstore.kafka import progress
from eventstore.kafka.progress import RelayProgressReader
from eventstore.log import EventLog
from eventstore.migrations import migrate
from eventstore.pool import acquire, close_pool, open_pool, transaction
from tests.conftest import PostgresServer
from tests.eventstore.kafka.relaying import events

pytestmark = pytest.mark.pipeline
LIMIT_S = 1.0


class Freezer:
    """A server of its own, all of whose processes can be stopped and continued."""

    def __init__(self, folder: Path) -> None:
        self.server = PostgresServer(folder)
        self.server.start()
        asyncio.run(migrate(self.dsn))

    @property
    def dsn(self) -> str:
        return self.server.embedded.dsn

    def signal(self, number: signal.Signals) -> None:
        assert self.server.process is not None
        parent = self.server.process.pid
        for pid in [parent, *_children(parent)]:
            os.kill(pid, number)


def _children(parent: int) -> list[int]:
    children = [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return [pid for child in children for pid in (child, *_children(child))]


@pytest.fixture
def freezer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Freezer]:
    opened = Freezer(tmp_path)
    monkeypatch.setattr(limited_connection.LimitedConnection, "answer_limit_s", LIMIT_S)
    monkeypatch.setattr(logs, "ACQUIRE_LIMIT_S", 2 * LIMIT_S)
    monkeypatch.setattr(pools, "COMMAND_LIMIT_S", LIMIT_S)
    monkeypatch.setattr(pools, "RELEASE_LIMIT_S", LIMIT_S)
    monkeypatch.setattr(progress, "ANSWER_LIMIT_S", LIMIT_S)
    yield opened
    opened.signal(signal.SIGCONT)
    opened.server.stop()


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
