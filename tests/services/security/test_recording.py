"""Calls of a use case are recorded with what they are about, however they end, and once a request."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from security.access import FULL_ACCESS
from security.audit import AuditEntry
from services.caller import Caller
from services.errors import AccessDeniedError, NotFoundError
from services.security.auditing import audited, trailed
from services.security.recording import Recorded, recording

CALLER = Caller("ours", "ada", "cli", FULL_ACCESS, correlation_id="r1")


class Log:
    """Remembers."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def record(self, entry: AuditEntry) -> None:
        self.entries.append(entry)


class UseCase:
    """Deletes what it knows."""

    known = ("a", "b")

    async def delete(self, caller: Caller, names: Sequence[str], *, error: Exception | None = None) -> list[str]:
        if error is not None:
            raise error
        return [name for name in names if name in self.known]

    async def count(self, caller: Caller) -> int:
        return len(self.known)


def _objects(given: Mapping[str, Any], result: Any) -> Sequence[str]:
    found: Sequence[str] = given["names"] if result is None else result
    return found


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def use_case(log: Log) -> UseCase:
    return recording(UseCase(), log, delete=Recorded("change", "delete", "documents", _objects))


def told(log: Log) -> list[tuple[str, str, str, str]]:
    return [(one.category, one.object_id, one.outcome, one.reason) for one in log.entries]


async def test_each_object_of_the_result_is_an_entry(use_case: UseCase, log: Log) -> None:
    assert await use_case.delete(CALLER, ["a", "b", "c"]) == ["a", "b"]
    assert told(log) == [("change", "a", "success", ""), ("change", "b", "success", "")]
    assert {(one.actor, one.action, one.resource, one.credential, one.request_id) for one in log.entries} == {
        ("ada", "delete", "documents", "cli", "r1")
    }


async def test_where_nothing_was_done_that_is_an_entry(use_case: UseCase, log: Log) -> None:
    assert await use_case.delete(CALLER, ["c"]) == []
    assert told(log) == [("change", "", "success", "")]


@pytest.mark.parametrize(
    ("error", "entry"),
    [
        (NotFoundError("there is no a; look"), ("change", "a", "failed", "there is no a; look")),
        (AccessDeniedError("not his; ask"), ("authorization", "a", "denied", "not his; ask")),
        (ZeroDivisionError("of a secret"), ("change", "a", "failed", "ZeroDivisionError")),
    ],
)
async def test_what_fails_is_an_entry(
    use_case: UseCase, log: Log, error: Exception, entry: tuple[str, str, str, str]
) -> None:
    with pytest.raises(type(error)):
        await use_case.delete(CALLER, ["a"], error=error)
    assert told(log) == [entry]


async def test_other_methods_are_as_they_were(use_case: UseCase, log: Log) -> None:
    assert (await use_case.count(CALLER), use_case.known, log.entries) == (2, ("a", "b"), [])


async def test_an_edge_sees_how_the_last_thing_ended_that_was_recorded(use_case: UseCase, log: Log) -> None:
    lasts: list[str | None] = []
    with trailed() as outer:
        with trailed() as inner:
            await use_case.count(CALLER)
        lasts.append(inner.last)
        with trailed() as inner:
            await asyncio.create_task(use_case.delete(CALLER, ["a"]))
        lasts += [inner.last, outer.last]
        async with audited(log, CALLER, "read", "read", "keys"):
            pass
        lasts.append(outer.last)
        with pytest.raises(NotFoundError):
            await use_case.delete(CALLER, ["a"], error=NotFoundError("gone; look"))
        lasts.append(outer.last)
    assert lasts == [None, "success", None, "success", "failed"]
