"""Who appends again at once does not ask whether the connection works; one that was ended is replaced all the same."""

import contextlib
from typing import Any

import psycopg
import pytest

from eventstore import limited_connection
from eventstore.limited_connection import LimitedConnection
from eventstore.log import EventLog
from tests.eventstore.kafka.relaying import events


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The empty questions, which ask only whether a connection works: the pool may set up others meanwhile."""
    found: list[object] = []
    execute = LimitedConnection.execute

    def noted(connection: LimitedConnection[Any], query: Any, *arguments: Any, **options: Any) -> Any:
        if query == "":
            found.append(query)
        return execute(connection, query, *arguments, **options)

    monkeypatch.setattr(LimitedConnection, "execute", noted)
    return found


def test_a_connection_that_answered_just_now_is_not_asked(
    dsn: str, asked: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited_connection, "TRUSTED_S", 3600.0)
    with EventLog.connect(dsn) as log:
        log.append(events(1))
        asked.clear()
        log.append(events(1, "next"))
        assert asked == []
        monkeypatch.setattr(limited_connection, "TRUSTED_S", -1.0)
        log.append(events(1, "later"))
        assert asked == [""]


def test_one_that_the_server_ended_is_replaced(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_connection, "TRUSTED_S", 3600.0)
    with EventLog.connect(dsn) as log:
        log.append(events(1))
        assert end_all(dsn) >= 1
        assert [event.position for event in log.append(events(1, "next"))] == [2]


def test_who_finds_one_ended_tries_none_of_the_others(dsn: str) -> None:
    """The pool waits one second after the second that it finds broken, and two after the third."""
    with EventLog.connect(dsn) as log:
        pool = log.datastore.pool
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(pool.connection())
        assert end_all(dsn) >= 3
        pool.pop_stats()
        log.append(events(1))
        assert pool.get_stats()["connections_lost"] == 1


def end_all(dsn: str) -> int:
    """How many connections the server has ended."""
    with psycopg.connect(dsn, autocommit=True) as other:
        ended = other.execute(
            "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert ended is not None
    return int(ended[0])
