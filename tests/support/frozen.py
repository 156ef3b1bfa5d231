"""A PostgreSQL that can be frozen, with short limits for those who wait for it."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstore import limited_connection
from eventstore import log as logs
from eventstore import pool as pools
from eventstore.kafka import progress
from eventstore.migrations import migrate
from tests.conftest import PostgresServer

LIMIT_S = 1.0
"""Of each wait for an answer."""


class Freezer:
    """A server of its own, all of whose processes can be stopped and continued."""

    def __init__(self, folder: Path) -> None:
        self.server = PostgresServer(folder)
        self.server.start()
        asyncio.run(migrate(self.dsn))

    @property
    def dsn(self) -> str:
        """Its address."""
        return self.server.embedded.dsn

    def signal(self, number: signal.Signals) -> None:
        """To every process of the server: SIGSTOP freezes it, SIGCONT thaws it."""
        assert self.server.process is not None
        parent = self.server.process.pid
        for pid in [parent, *_children(parent)]:
            # One that served a connection may have ended since.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _children(parent: int) -> list[int]:
    try:
        children = [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid for child in children for pid in (child, *_children(child))]


@pytest.fixture
def freezer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Freezer]:
    """Thawed at the end."""
    opened = Freezer(tmp_path)
    monkeypatch.setattr(limited_connection.LimitedConnection, "answer_limit_s", LIMIT_S)
    monkeypatch.setattr(logs, "ACQUIRE_LIMIT_S", 2 * LIMIT_S)
    monkeypatch.setattr(pools, "COMMAND_LIMIT_S", LIMIT_S)
    monkeypatch.setattr(pools, "RELEASE_LIMIT_S", LIMIT_S)
    monkeypatch.setattr(progress, "ANSWER_LIMIT_S", LIMIT_S)
    yield opened
    opened.signal(signal.SIGCONT)
    opened.server.stop()
