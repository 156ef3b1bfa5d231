"""When a statement holds, by its words of time. Pure.

Bounds are dates of ISO 8601 as exact as the text: `1998`, `1998-05` or `1998-05-27`; both belong to the interval.
"""

import re
from calendar import month_name
from typing import NamedTuple

_MONTHS = {name.lower(): number for number, name in enumerate(month_name) if name}
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_DATE = re.compile(
    rf"(?:(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?)?\b{_MONTH}"
    rf"(?:\s+(?P<late_day>\d{{1,2}})(?:st|nd|rd|th)?)?,?\s+(?:of\s+)?)?"
    r"\b(?P<year>1\d{3}|20\d{2})(?P<decade>s)?(?!\w)",
    re.IGNORECASE,
)
_ERA = re.compile(r"\b(?:BC|BCE|AD|CE)\b")
_BEFORE = {
    "from": "from", "since": "from", "between": "from", "until": "until", "till": "until", "to": "until",
    "through": "until", "in": "in", "on": "in", "during": "in",
}  # fmt: skip
_VAGUE = re.compile(r"\b(?:before|after|by|around|about|circa|c\.|early|late|mid)\b", re.IGNORECASE)


class Validity(NamedTuple):
    """First and last date; None where the words do not bound that side."""

    start: str | None = None
    end: str | None = None


def validity(words: str, begins: bool = False) -> Validity:
    """What `in May 1998`, `from 1990 to 1995` or `since 2011` says.

    `begins`: the statement is of the beginning of what it tells (`became mayor in 2015`), which goes on.
    """
    if _ERA.search(words) or _VAGUE.search(words):
        return Validity()
    dates = list(_DATE.finditer(words))
    if not dates:
        return Validity()
    leads, last = [], 0
    for date in dates:
        leads.append(_lead(words[last : date.start()]))
        last = date.end()
    first, final = _bounds(dates[0]), _bounds(dates[-1])
    if len(dates) == 2 and leads[0] == "from" and leads[1] in {"until", "and"}:
        return Validity(first[0], final[1])
    if len(dates) > 1:
        return Validity()
    match leads[0]:
        case "from":
            return Validity(first[0])
        case "until":
            return Validity(None, first[1])
        case "in":
            return Validity(first[0], None if begins else first[1])
        case _:
            return Validity()


def _lead(words: str) -> str:
    found = [word for word in re.findall(r"[a-z]+|[\u2013-]", words.lower()) if word not in {"the", "year"}]
    if not found:
        return ""
    return {"and": "and", "\u2013": "until", "-": "until"}.get(found[-1], _BEFORE.get(found[-1], ""))


def _bounds(date: re.Match[str]) -> tuple[str, str]:
    year = date["year"]
    if date["decade"]:
        return year, str(int(year) + 9)
    if not date["month"]:
        return year, year
    exact = f"{year}-{_MONTHS[date['month'].lower()]:02d}"
    day = date["day"] or date["late_day"]
    if day and 1 <= int(day) <= 31:
        exact += f"-{int(day):02d}"
    return exact, exact
