"""How long between two events: both dates are found, and the years between them counted."""

import re

from reasoning.answering.evidence import Evidence
from reasoning.answering.facts import date_of
from reasoning.answering.proposal import Proposal
from reasoning.question.reading import Reading
from reasoning.words import STOP_WORDS, content_of, stem, words_of

_BETWEEN = re.compile(r"\bhow (?:many years|long) (?P<relation>after|before) (?P<two>.+)", re.IGNORECASE)
_PARTS = re.compile(r"\s(?:was|were|did|is|had)\s")
SURE = 0.5
"""How well both dates must match what is asked."""


def years_between(reading: Reading, evidence: Evidence) -> Proposal | None:
    """For `How many years after X was Y?`; None for other questions, and where a date is not found."""
    match = _BETWEEN.search(reading.text)
    if match is None:
        return None
    two = match["two"].rstrip("? ")
    names = [name for name in reading.names_text() if name in two]
    second = two.rfind(names[-1]) if len(names) > 1 else 0
    split = [found for found in _PARTS.finditer(two) if found.end() <= second + len(" the ")]
    if not split:
        return None
    found = []
    for part in (two[: split[-1].start()], two[split[-1].end() :]):
        name = next((name for name in reading.names_text() if name in part), None)
        if name is None:
            return None
        own = content_of(name)
        roots = (stem(word.folded) for word in words_of(part) if word.folded not in STOP_WORDS | {"first"})
        when = date_of(evidence, name, {root: 1.0 for root in roots if root not in own})
        if when is None or when[2] < SURE:
            return None
        found.append(when)
    years = found[1][0].year - found[0][0].year
    years = years if match["relation"].lower() == "after" else -years
    if years < 0:
        return None
    strength = min(when[2] for when in found)
    return Proposal(str(years), tuple(when[1] for when in reversed(found)), strength, worked_out=True)
