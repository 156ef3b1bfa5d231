"""Moments of the past as people write them: a position of the log, a date or a time, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

from services.errors import InvalidRequestError

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
MOST_S = 10 * 365 * 86_400
_LENGTH = re.compile(r"([0-9]{1,9}) ?([smhdw])", re.ASCII)
_AGO = re.compile(rf"{_LENGTH.pattern} ago", re.ASCII)


def moment_of(text: str, now: datetime) -> int | datetime:
    """A position, or a time with its zone: `42`, `2026-01-05`, `2026-01-05T10:00+01:00`, `2h ago`, `now`.

    A time without a zone is one of UTC; a date is its beginning. Raises InvalidRequestError.
    """
    written = text.strip()
    if written.isascii() and written.isdecimal() and len(written) <= 18:
        return int(written)
    if written == "now":
        return now
    if ago := _AGO.fullmatch(written):
        return now - timedelta(seconds=_seconds(ago[1], ago[2]))
    try:
        time = datetime.fromisoformat(written)
    except ValueError:
        raise InvalidRequestError(
            f"{text!r} is no moment; write a position, a time as 2026-01-05T10:00, a date, or how long ago: 2h ago"
        ) from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def seconds_of(text: str) -> float:
    """A length of time: `90m`, `12h`, `1d`. Raises InvalidRequestError."""
    length = _LENGTH.fullmatch(text.strip())
    seconds = _seconds(length[1], length[2]) if length else 0
    if not seconds:
        raise InvalidRequestError(f"{text!r} is no length of time; write it as 90m, 12h or 1d")
    return float(seconds)


def _seconds(number: str, unit: str) -> int:
    return min(int(number) * UNITS_S[unit], MOST_S)
