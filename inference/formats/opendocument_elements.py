"""Texts and tables of OpenDocument (ISO/IEC 26300), as elements have them."""

from collections.abc import Iterator
from datetime import datetime, time
from typing import Any

from inference.formats.building import one_line

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
SKIPPED = frozenset({f"{TEXT}note", f"{OFFICE}annotation", f"{TEXT}tracked-changes", f"{TEXT}sequence-decls"})
_PARAGRAPHS = (f"{TEXT}p", f"{TEXT}h")
MAX_REPEATED = 1_000
"""Of cells and rows that stand for several."""


def rows_of(table: Any) -> Iterator[list[str]]:
    """Without those of tables within it, and without empty cells at the end of a row."""
    for row in table.iter(f"{TABLE}table-row"):
        if next(row.iterancestors(f"{TABLE}table")) is not table:
            continue
        cells: list[str] = []
        for cell in row.iterchildren(f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
            text = _date(cell) or " ".join(map(text_of, paragraphs_of(cell))) or _value(cell)
            cells += [text] * _repeated(cell, "number-columns-repeated")
        while cells and not cells[-1]:
            cells.pop()
        yield from [cells] * _repeated(row, "number-rows-repeated") if cells else ()


def paragraphs_of(element: Any) -> Iterator[Any]:
    """However deep they lie, but for those of annotations and notes."""
    for child in element:
        if child.tag in _PARAGRAPHS:
            yield child
        elif child.tag not in SKIPPED:
            yield from paragraphs_of(child)


def _date(cell: Any) -> str:
    """A date in ISO 8601, with its time where that is not midnight, however it is shown; as of XLSX."""
    try:
        found = datetime.fromisoformat(cell.get(f"{OFFICE}date-value", ""))
    except ValueError:
        return ""
    return found.isoformat(" ") if found.time() != time() else found.date().isoformat()


def _value(cell: Any) -> str:
    """What a cell holds of which no writer said how it is shown."""
    names = ("string-value", "date-value", "time-value", "boolean-value", "value")
    return one_line(next((said for name in names if (said := cell.get(f"{OFFICE}{name}"))), ""))


def _repeated(element: Any, name: str) -> int:
    stated = element.get(f"{TABLE}{name}", "1")
    return max(1, min(int(stated), MAX_REPEATED)) if stated.isdigit() else 1


def text_of(element: Any) -> str:
    """In one line, without notes and annotations."""
    return one_line("".join(_pieces(element)))


def _pieces(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and child.tag not in SKIPPED:
            if child.tag in (f"{TEXT}s", f"{TEXT}tab", f"{TEXT}line-break"):
                yield " "
            else:
                yield from _pieces(child)
        yield child.tail or ""
