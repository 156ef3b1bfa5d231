"""What is drawn on a PDF's page beside its text: bullets and the rules of tables."""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MAX_OBJECTS = 50_000
"""Of a page, looked at."""
THIN = 2.5
"""Points: what is no thicker is a rule; rules that are no further apart touch."""
MAX_RULES = 500
"""Of a page; pages with more have maps and plans on them."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A path's bounds, in points from the left and from the bottom."""

    left: float
    bottom: float
    right: float
    top: float


def grids_of(drawings: Sequence[Drawing]) -> list[Drawing]:
    """Bounds of what rules enclose that touch one another: two or more upright and two or more level ones."""
    rules = [one for one in drawings if min(one.right - one.left, one.top - one.bottom) <= THIN]
    if len(rules) > MAX_RULES:
        return []
    grids: list[list[Drawing]] = []
    for rule in rules:
        touching = [grid for grid in grids if any(_touch(rule, other) for other in grid)]
        grids = [grid for grid in grids if not any(grid is one for one in touching)]
        grids.append([rule, *(one for grid in touching for one in grid)])
    return [_around(grid) for grid in grids if _encloses(grid)]


def _touch(one: Drawing, other: Drawing) -> bool:
    level = one.left <= other.right + THIN and other.left <= one.right + THIN
    return level and one.bottom <= other.top + THIN and other.bottom <= one.top + THIN


def _encloses(grid: Sequence[Drawing]) -> bool:
    upright = {round(one.left) for one in grid if one.right - one.left <= THIN < one.top - one.bottom}
    level = {round(one.bottom) for one in grid if one.top - one.bottom <= THIN < one.right - one.left}
    return len(upright) >= 2 and len(level) >= 2


def _around(grid: Sequence[Drawing]) -> Drawing:
    return Drawing(
        min(one.left for one in grid),
        min(one.bottom for one in grid),
        max(one.right for one in grid),
        max(one.top for one in grid),
    )


def drawings_of(page: Any) -> list[Drawing]:
    """Paths of a page, without those within forms."""
    return list(_drawings(page))


def _drawings(page: Any) -> Iterator[Drawing]:
    from pypdfium2 import raw as pdfium

    bounds = [ctypes.c_float() for _ in range(4)]
    for index in range(min(pdfium.FPDFPage_CountObjects(page.raw), MAX_OBJECTS)):
        item = pdfium.FPDFPage_GetObject(page.raw, index)
        if not item or pdfium.FPDFPageObj_GetType(item) != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        if pdfium.FPDFPageObj_GetBounds(item, *map(ctypes.byref, bounds)):
            yield Drawing(*(bound.value for bound in bounds))
