"""Where headings and pages are in a document's text, as two attributes of it, so that a source can name them.

`headings`: `LEVEL:START-END` for each, apart by spaces; `pages`: where each page begins. Offsets are characters from
the start of the text; what the heading says is `text[START:END]`, and stands nowhere else. Both are bounded: of more
headings the deepest are left out, of more pages all that come later.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HEADINGS = "headings"
PAGES = "pages"
MAX_BYTES = 32 * 1024
"""Of each of the two."""
_HEADING = re.compile(r"([1-6]):(\d{1,9})-(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Structure:
    """`headings`: (level, start, end) by start. `pages`: starts, rising."""

    headings: tuple[tuple[int, int, int], ...] = ()
    pages: tuple[int, ...] = ()

    def page_at(self, offset: int) -> int | None:
        """Number of the page, from 1, that the character at `offset` is on; None where there are no pages."""
        return bisect_right(self.pages, offset) or None

    def headings_over(self, offset: int) -> tuple[tuple[int, int], ...]:
        """Spans of the headings that the character at `offset` stands under, the highest level first."""
        path: list[tuple[int, int, int]] = []
        for level, start, end in self.headings:
            if start > offset:
                break
            while path and path[-1][0] >= level:
                path.pop()
            path.append((level, start, end))
        return tuple((start, end) for _, start, end in path)

    def headings_of(self, text: str, start: int) -> tuple[tuple[int, int], ...]:
        """As `headings_over`, of what begins at `start` of this text: headings that it begins with are over it, too."""
        at = start
        for _, begin, end in self.headings[bisect_left(self.headings, start, key=lambda heading: heading[1]) :]:
            if any(character.isalpha() for character in text[at:begin]):
                break
            at = max(at, end)
        return self.headings_over(at)


def structure_of(attributes: Mapping[str, Any]) -> Structure:
    """What a document's attributes say of it; what is written otherwise, as by another producer, says nothing."""
    headings, pages = attributes.get(HEADINGS), attributes.get(PAGES)
    found = [_HEADING.fullmatch(one) for one in headings.split()] if isinstance(headings, str) else []
    numbers = pages.split() if isinstance(pages, str) else []
    return Structure(
        headings=tuple((int(one[1]), int(one[2]), int(one[3])) for one in found if one) if all(found) else (),
        pages=tuple(map(int, numbers)) if all(re.fullmatch(r"[0-9]{1,9}", one) for one in numbers) else (),
    )


def structure_attributes(headings: Sequence[tuple[int, int, int]], pages: Iterable[int]) -> dict[str, str]:
    """The attributes that say it; none for what there is nothing of."""
    said: dict[str, str] = {}
    for level in range(6, 0, -1):
        text = " ".join(f"{one}:{start}-{end}" for one, start, end in headings if one <= level)
        if len(text) <= MAX_BYTES:
            break
    else:
        text = text[:MAX_BYTES].rpartition(" ")[0]
    if text:
        said[HEADINGS] = text
    starts = " ".join(map(str, pages))
    if starts:
        said[PAGES] = starts if len(starts) <= MAX_BYTES else starts[:MAX_BYTES].rpartition(" ")[0]
    return said
