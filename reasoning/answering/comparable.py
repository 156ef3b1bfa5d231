"""Values of one kind, and whether they agree: dates, numbers of one thing, and names."""

import re
from dataclasses import dataclass

from reasoning.answering.candidates import folded
from reasoning.answering.gazetteer import COUNTRIES, STATES
from reasoning.answering.values import Date, dates_in, numbers_in
from reasoning.words import stem, words_of

_INEXACT = re.compile(
    r"(?:more than|less than|over|under|about|around|approximately|nearly|almost|some|at least|at most|up to)\b|"
    r"(?:early|late|mid)[- ]|.*(?:century|\ds)$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Value:
    """`sentence[start:end]`, as what it is: one of the three is set. `of` is the stem of what a number counts."""

    start: int
    end: int
    date: Date | None = None
    number: float | None = None
    of: str = ""
    name: tuple[str, ...] = ()


def value_at(sentence: str, start: int, end: int) -> Value | None:
    """None for what cannot be compared: centuries and decades, `about 500`, and words that name nothing."""
    text = sentence[start:end]
    if not text or _INEXACT.match(text):
        return None
    whole = (0, len(text))
    for dated in dates_in(text):
        if (dated.start, dated.end) == whole:
            return Value(start, end, date=dated.date)
    for counted in numbers_in(text):
        if (counted.start, counted.end) == whole:
            behind = words_of(sentence[end:])
            unit = "%" if re.search("%|per ?cent", text) else stem(behind[0].folded) if behind else ""
            return Value(start, end, number=counted.number, of=unit)
    return Value(start, end, name=folded(text)) if text[0].isupper() and folded(text) else None


def values_like(sentence: str, wanted: Value) -> list[Value]:
    """Those of a sentence that are of the same kind; of names, the same name alone."""
    if wanted.name:
        pattern = r"\W+".join(map(re.escape, wanted.name))
        spans = [match.span() for match in re.finditer(rf"\b{pattern}\b", sentence, re.IGNORECASE)]
    elif wanted.date is not None:
        spans = [(dated.start, dated.end) for dated in dates_in(sentence)]
    else:
        spans = [(counted.start, counted.end) for counted in numbers_in(sentence)]
    found = [value_at(sentence, start, end) for start, end in spans]
    return [value for value in found if value is not None]


def agree(one: Value, other: Value) -> bool:
    """Whether both may be true: what both tell of a date is the same, numbers are equal, names share a word.

    `differ` is not its opposite: what cannot be compared does neither.
    """
    if one.date is not None and other.date is not None:
        return all(a == b for a, b in zip(one.date, other.date, strict=True) if a and b)
    if one.number is not None and other.number is not None:
        return (one.number, one.of) == (other.number, other.of)
    return not set(one.name).isdisjoint(other.name)


def differ(one: Value, other: Value) -> bool:
    """Whether both are of one kind and cannot both be true, as far as their words tell.

    A country, or a state, says nothing against a place, which may lie in it.
    """
    if one.date is not None or other.date is not None:
        return one.date is not None and other.date is not None and not agree(one, other)
    if one.number is not None or other.number is not None:
        return one.number is not None and other.number is not None and one.of == other.of and not agree(one, other)
    return _is_land(one) == _is_land(other) and not agree(one, other)


def _is_land(value: Value) -> bool:
    name = " ".join(value.name)
    return name in COUNTRIES or name in STATES
