"""Dates, numbers and years of life as they stand in texts, and what they are worth."""

import calendar
import re
from typing import NamedTuple

_MONTHS = tuple(name.lower() for name in calendar.month_name[1:])
_MONTH = rf"(?:{'|'.join(calendar.month_name[1:])}|{'|'.join((*calendar.month_abbr[1:], 'Sept'))})\.?"
_YEAR = r"(?:1\d{3}|20\d{2})"
_DATE = re.compile(
    rf"\b(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<m1>{_MONTH}),?\s+(?P<y1>\d{{3,4}})"
    rf"|(?P<m2>{_MONTH})\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y2>\d{{3,4}})"
    rf"|(?P<m3>{_MONTH}),?\s+(?:of\s+)?(?P<y3>{_YEAR})"
    rf"|(?P<m4>{_MONTH})\s+(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)"
    rf"|(?P<d5>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<m5>{_MONTH})(?!\w)"
    rf"|(?P<y6>{_YEAR})(?P<decade>s)?(?![\d,]*\d)(?!\s?%)"
    r"|(?:(?:early|late|mid)[- ])?"
    r"(?P<c7>\d{1,2}(?:st|nd|rd|th)|[a-z]+(?:teenth|tieth|first|eighth|ninth))[- ]century)\b"
)
_UNIT_WORDS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNITS = {word: number for number, word in enumerate(_UNIT_WORDS.split())}
_TENS = {word: 10 * number for number, word in enumerate(_TEN_WORDS.split(), start=2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_MORE = {"once": 1, "twice": 2, "thrice": 3, "single": 1, "dozen": 12}
_WORDS = "|".join(sorted([*_UNITS, *_TENS, *_SCALES, "dozen"], key=len, reverse=True))
_NUMBER = re.compile(
    r"(?:(?:more than|over|about|around|approximately|nearly|almost|some|at least|up to)\s+)?"
    r"(?:[$\u00a3\u20ac]\s?)?(?<![\w.])"
    rf"(?:\d+(?:,\d{{3}})*(?:\.\d+)?|(?:{_WORDS})\b(?:[- ](?:and )?(?:{_WORDS})\b)*|once\b|twice\b)"
    r"(?:\s?(?:million|billion|trillion|thousand|hundred)\b)?(?:st|nd|rd|th)?(?:-(?=time\b)time)?"
    r"(?:\s?%|\s+percent\b|\s+per cent\b)?",
    re.IGNORECASE,
)
_LIFE = re.compile(
    r"\(([^()]*?)\b(\d{3,4})\s*(?:[-\u2013\u2014]|to)\s*(?:[^()\d]*\d{0,2}[^()\d]*?)\b(\d{3,4})\b[^()]*\)"
)
_BORN = re.compile(r"\((?:[^()]*?\b)?(?:born|b\.)[^()]*?\b(\d{4})\b[^()]*\)")


class Date(NamedTuple):
    """A date with what is known of it: 0 stands for a month or a day that is not told. Earlier ones compare less."""

    year: int
    month: int = 0
    day: int = 0


class Dated(NamedTuple):
    """`text[start:end]` is a date."""

    start: int
    end: int
    date: Date


class Counted(NamedTuple):
    """`text[start:end]` is a number, in figures or in words."""

    start: int
    end: int
    number: float


def dates_in(text: str) -> list[Dated]:
    """Dates, years, decades and centuries, in order."""
    found = []
    for match in _DATE.finditer(text):
        parts = match.groupdict()
        year = next((parts[name] for name in ("y1", "y2", "y3", "y6") if parts[name]), "0")
        month = next((parts[name] for name in ("m1", "m2", "m3", "m4", "m5") if parts[name]), "")
        day = next((parts[name] for name in ("d1", "d2", "d4", "d5") if parts[name]), "0")
        number = next((n for n, name in enumerate(_MONTHS, 1) if month and name.startswith(month[:3].lower())), 0)
        if parts["c7"] and (century := re.match(r"\d+", parts["c7"])):
            year = str((int(century[0]) - 1) * 100)
        found.append(Dated(*match.span(), Date(int(year), number, int(day))))
    return found


def numbers_in(text: str) -> list[Counted]:
    """Numbers in figures or in words, in order, with `more than` and percent signs; dates are numbers here, too."""
    found = []
    for match in _NUMBER.finditer(text):
        number = number_of(match[0])
        if number is not None:
            found.append(Counted(*match.span(), number))
    return found


def number_of(text: str) -> float | None:
    """What a number in figures or in words is worth; None where there is none."""
    lower = text.lower()
    figure = re.search(r"\d[\d,]*(?:\.\d+)?", lower)
    scale = next((size for name, size in _SCALES.items() if re.search(rf"\b{name}\b", lower)), 1)
    if figure:
        return float(figure[0].replace(",", "")) * scale
    whole, part, any_word = 0, 0, False
    for word in re.findall(r"[a-z]+", lower):
        if word in _UNITS or word in _TENS or word in _MORE:
            part, any_word = part + (_UNITS.get(word) or _TENS.get(word) or _MORE.get(word) or 0), True
        elif word in _SCALES:
            if _SCALES[word] == 100:
                part = max(1, part) * 100
            else:
                whole, part = whole + max(1, part) * _SCALES[word], 0
            any_word = True
    return float(whole + part) if any_word else None


def life_in(text: str) -> tuple[Dated | None, Dated | None]:
    """Birth and death from brackets such as (1849-1931) or (born 3 May 1952)."""
    match = _LIFE.search(text)
    if match:
        dates = [dated for dated in dates_in(match[0]) if dated.date.year]
        if len(dates) >= 2:
            return tuple(  # type: ignore[return-value]
                Dated(match.start() + dated.start, match.start() + dated.end, dated.date) for dated in dates[:2]
            )
    match = _BORN.search(text)
    if match:
        dates = [dated for dated in dates_in(match[0]) if dated.date.year]
        if dates:
            first = dates[0]
            return Dated(match.start() + first.start, match.start() + first.end, first.date), None
    return None, None
