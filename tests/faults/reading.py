"""What the light models find in a text, by rules of its own: names, and what is stated, each with where it stands."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from tests.faults.light import EXTRACTORS, KINDS
from tests.faults.told import Triple

_STATED = re.compile(r"([A-Z]\w*) (\w+) ([A-Z]\w*)")
LONG = 4
"""Letters, at least, of a name for the second model."""

Spanned = tuple[int, int]


@dataclass(frozen=True)
class Found:
    """In a stretch of a document: names with their kinds, and statements, each with where it starts and ends there."""

    names: tuple[tuple[str, str, Spanned], ...] = ()
    stated: tuple[tuple[Triple, Spanned], ...] = ()

    def within(self, start: int, end: int) -> "Found":
        """What lies in this stretch of it."""
        return Found(
            tuple(one for one in self.names if start <= one[2][0] and one[2][1] <= end),
            tuple(one for one in self.stated if start <= one[1][0] and one[1][1] <= end),
        )

    @property
    def called(self) -> set[str]:
        """Every name, those of what is stated too."""
        return {one[0] for one in self.names} | {name for one in self.stated for name in (one[0][0], one[0][2])}


def together(some: Collection[Found]) -> Found:
    """What any of these has, once each."""
    return Found(
        tuple(dict.fromkeys(one for found in some for one in found.names)),
        tuple(dict.fromkeys(one for found in some for one in found.stated)),
    )


def read(model: str, text: str, start: int) -> Found:
    """What this model of entities finds in a text that starts there, and the one of relations."""
    names, before = [], ""
    for match in re.finditer(r"\w+|\S", text):
        word, at = match[0], (start + match.start(), start + match.end())
        if model == EXTRACTORS[0] and word[0].isupper():
            names.append((word, "PERSON", at))
        if model == EXTRACTORS[1] and ((word[0].isupper() and len(word) >= LONG) or before == "very"):
            names.append((word, KINDS.get(word, "PERSON"), at))
        before = word
    stated = [((one[1], one[2], one[3]), (start + one.start(), start + one.end())) for one in _STATED.finditer(text)]
    return Found(tuple(names), tuple(stated))
