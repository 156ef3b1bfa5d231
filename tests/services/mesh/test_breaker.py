"""A breaker opens after five failures in a row, and closes by itself when one request succeeds."""

import time

import pytest

from services.mesh.breaker import Breaker
from services.mesh.errors import ServiceUnavailableError

BAD = OSError("bad")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [time.time()]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def fail(breaker: Breaker, times: int, failed: bool | None = True) -> None:
    for _ in range(times):
        with pytest.raises(OSError, match="bad"), breaker.passing(lambda _: failed):
            raise BAD


def succeed(breaker: Breaker) -> None:
    with breaker.passing(lambda _: True):
        pass


def test_five_failures_open_it_and_one_success_closes_it(clock: list[float]) -> None:
    breaker = Breaker("reasoning", open_s=10)
    fail(breaker, 4)
    assert breaker.is_closed and breaker.is_ready
    fail(breaker, 1)
    assert not breaker.is_closed and not breaker.is_ready
    with pytest.raises(ServiceUnavailableError, match="reasoning failed 5 times in a row"):
        succeed(breaker)
    clock[0] += 10.1
    assert breaker.is_ready
    succeed(breaker)
    assert breaker.is_closed
    fail(breaker, 4)
    assert breaker.is_closed


def test_a_failure_while_half_open_opens_it_again(clock: list[float]) -> None:
    breaker = Breaker("reasoning", open_s=10)
    fail(breaker, 5)
    clock[0] += 10.1
    fail(breaker, 1)
    assert not breaker.is_ready
    clock[0] += 10.1
    succeed(breaker)
    assert breaker.is_closed


def test_one_at_a_time_while_half_open(clock: list[float]) -> None:
    breaker = Breaker("reasoning", open_s=10)
    fail(breaker, 5)
    clock[0] += 10.1
    with breaker.passing(lambda _: True):
        assert not breaker.is_ready
        with pytest.raises(ServiceUnavailableError):
            succeed(breaker)
    assert breaker.is_closed and breaker.is_ready


def test_what_says_nothing_of_the_peer_changes_nothing(clock: list[float]) -> None:
    breaker = Breaker("reasoning", open_s=10)
    fail(breaker, 4)
    fail(breaker, 3, failed=None)
    fail(breaker, 1)
    assert not breaker.is_closed
    clock[0] += 10.1
    fail(breaker, 1, failed=None)  # whoever asked went away: the next one decides
    assert not breaker.is_closed and breaker.is_ready


def test_a_refusal_is_work_well_done(clock: list[float]) -> None:
    breaker = Breaker("reasoning")
    for _ in range(3):
        fail(breaker, 4)
        fail(breaker, 1, failed=False)
    assert breaker.is_closed
