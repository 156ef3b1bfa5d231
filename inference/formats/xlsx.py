"""XLSX (Office Open XML): each sheet a heading and a table, cells as they were last computed."""

import io
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from inference.formats.building import TextBuilder
from inference.formats.context import ReadContext
from inference.formats.document import Read, ReadDocument
from inference.formats.office import with_properties
from inference.formats.zip_guard import checked_office

MAX_COLUMNS = 500
MAX_ROWS = 200_000
MAX_EMPTY = 2_000
"""Empty rows behind one another, after which the rest of a sheet is taken for empty."""


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document. A page is a sheet."""
    checked_office(raw)
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
    builder = TextBuilder()
    said: list[str] = []
    for sheet in book.worksheets:
        builder.page()
        builder.heading(1, sheet.title)
        builder.table(_rows(sheet, said))
    found = ReadDocument(
        kind="xlsx", text=builder.text, headings=builder.headings, pages=builder.pages, warnings=tuple(said)
    )
    told = with_properties(found, book.properties)
    # Who wrote it is not known then: it is what the library puts there.
    yield replace(told, authors=()) if told.authors == ("openpyxl",) else told


def _rows(sheet: Any, said: list[str]) -> Iterator[list[str]]:
    """Without empty rows, and without empty columns at the end of all."""
    # What a sheet says of its size is often wrong.
    sheet.reset_dimensions()
    empty = 0
    for number, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True)):
        if number >= MAX_ROWS:
            said.append(f"of the sheet {sheet.title} only {MAX_ROWS:,} rows were read")
            return
        cells = [_word(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        empty = 0 if cells else empty + 1
        if empty > MAX_EMPTY:
            return
        if cells:
            yield cells


def _word(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case datetime():
            return value.isoformat(" ") if value.time() != time() else value.date().isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case _:
            return str(value)
