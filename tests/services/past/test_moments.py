"""Moments and lengths of time as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.errors import InvalidRequestError
from services.past.moments import moment_of, seconds_of

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0", 0),
        ("42", 42),
        ("2026-01-04", datetime(2026, 1, 4, tzinfo=UTC)),
        ("2026-01-04T10:30", datetime(2026, 1, 4, 10, 30, tzinfo=UTC)),
        ("2026-01-04 10:30:15.5", datetime(2026, 1, 4, 10, 30, 15, 500_000, tzinfo=UTC)),
        ("2026-01-04T10:30Z", datetime(2026, 1, 4, 10, 30, tzinfo=UTC)),
        ("2026-01-04T10:30+02:00", datetime(2026, 1, 4, 10, 30, tzinfo=timezone(timedelta(hours=2)))),
        ("2h ago", NOW - timedelta(hours=2)),
        (" 15 m ago ", NOW - timedelta(minutes=15)),
        ("now", NOW),
        ("1w ago", NOW - timedelta(weeks=1)),
    ],
)
def test_what_is_meant(written: str, meant: int | datetime) -> None:
    assert moment_of(written, NOW) == meant


@pytest.mark.parametrize(
    "written", ["", "yesterday", "-1", "1.5", "2 hours ago", "2026-13-01", "२", "9" * 19, "ago", "2h"]
)
def test_what_nobody_can_tell_is_refused(written: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no moment; write a position, a time as"):
        moment_of(written, NOW)


def test_lengths() -> None:
    assert [seconds_of(one) for one in ("90m", "12h", "1d", "2 w", "30s")] == [5400, 43_200, 86_400, 1_209_600, 30]


@pytest.mark.parametrize("written", ["", "1", "d", "0h", "1y", "-1d", "1d ago"])
def test_what_is_no_length_is_refused(written: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no length of time; write it as 90m, 12h or 1d"):
        seconds_of(written)
