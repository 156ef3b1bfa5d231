"""What is drawn on a PDF's page beside its text: bullets and the rules of tables."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_OBJECTS = 50_000
"""Of a page, looked at."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A path's bounds, in points from the left and from the bottom."""

    left: float
    bottom: float
    right: float
    top: float


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
