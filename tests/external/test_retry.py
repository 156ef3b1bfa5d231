"""What is tried again, and after how long."""

import email.utils
import time
from collections.abc import Mapping

import httpx
import pytest

from external.retry import BusyError, CutOffError, JitteredWait, is_transient, retry_after, retrying


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_the_pause_that_a_server_asks_for(headers: Mapping[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_pause_until_a_moment_is_counted_from_now() -> None:
    asked = retry_after({"retry-after": email.utils.formatdate(time.time() + 100, usegmt=True)})
    assert asked is not None
    assert 90 < asked <= 101


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (httpx.ConnectError("refused"), True),
        (httpx.ReadTimeout("slow"), True),
        (httpx.RemoteProtocolError("cut"), True),
        (BusyError(429, "", None), True),
        (CutOffError("half"), True),
        (httpx.UnsupportedProtocol("ftp"), False),
        (httpx.LocalProtocolError("a bad header"), False),
        (OSError("disk full"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Exception, again: bool) -> None:
    assert is_transient(error) is again


async def test_the_last_failure_is_raised_as_it_is() -> None:
    calls = 0

    async def fail() -> None:
        nonlocal calls
        calls += 1
        raise CutOffError(f"half {calls}")

    with pytest.raises(CutOffError, match="half 3"):
        await retrying(3, JitteredWait(0.001, 0.001), is_transient, lambda _: None)(fail)


async def test_waits_spread_stay_bounded_and_keep_to_what_was_asked() -> None:
    waits: list[float] = []

    async def fail() -> None:
        raise BusyError(429, "", 0.01 if len(waits) >= 30 else None)

    wait = JitteredWait(0.0005, 0.002)
    tries = retrying(40, wait, is_transient, lambda state: waits.append(state.upcoming_sleep))
    with pytest.raises(BusyError):
        await tries(fail)
    assert all(0.0 <= wait <= 0.002 for wait in waits[:29])
    assert len(set(waits[:29])) > 10
    assert all(0.01 <= wait <= 0.012 for wait in waits[31:])
