"""OpenDocument (ISO/IEC 26300): texts (ODT), spreadsheets (ODS) and presentations (ODP)."""

import io
from collections.abc import Iterator
from typing import Any

from inference.formats.building import TextBuilder, one_line
from inference.formats.context import ReadContext
from inference.formats.dates import iso
from inference.formats.document import Kind, Read, ReadDocument
from inference.formats.errors import UnreadableFileError
from inference.formats.xml import parse_xml
from inference.formats.zip_guard import checked_office

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_PARAGRAPHS = (f"{_TEXT}p", f"{_TEXT}h")
_SKIPPED = frozenset({f"{_TEXT}note", f"{_OFFICE}annotation", f"{_TEXT}tracked-changes", f"{_TEXT}sequence-decls"})
MAX_REPEATED = 1_000
"""Of cells and rows that stand for several."""


def read_text(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document."""
    document = _opened(raw)
    builder = TextBuilder()
    _add(builder, _body(document))
    first = next((builder.text[one.start : one.end] for one in builder.headings if one.level == 1), None)
    yield _told(document, "odt", builder, first)


def read_spreadsheet(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document. A page is a sheet, cells are as they are shown."""
    document = _opened(raw)
    builder = TextBuilder()
    for sheet in _body(document).iter(f"{_TABLE}table"):
        if sheet.getparent().tag == f"{_OFFICE}spreadsheet":
            builder.page()
            builder.heading(1, sheet.get(f"{_TABLE}name", ""))
            builder.table(_rows(sheet))
    yield _told(document, "ods", builder, None)


def read_presentation(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document. A page is a slide: its title as heading, its text, tables, and notes."""
    document = _opened(raw)
    builder = TextBuilder()
    first = None
    for slide in _body(document).iter(f"{_DRAW}page"):
        builder.page()
        title = next((one for one in slide if one.get(f"{_PRESENTATION}class") == "title"), None)
        if title is not None and (said := _text(title)):
            first = first or said
            builder.heading(1, said)
        for item in slide:
            if item is not title and item.tag != f"{_PRESENTATION}notes":
                _add(builder, [item])
        for notes in slide.iterchildren(f"{_PRESENTATION}notes"):
            _add(builder, notes)
    yield _told(document, "odp", builder, first)


def _opened(raw: bytes) -> Any:
    checked_office(raw)
    import odfdo

    document: Any = odfdo.Document(io.BytesIO(raw))
    if b"manifest:encryption-data" in document.container.get_part("META-INF/manifest.xml"):
        raise UnreadableFileError("is encrypted with a password; save it without one")
    return document


def _body(document: Any) -> Any:
    return parse_xml(document.container.get_part("content.xml"))


def _told(document: Any, kind: Kind, builder: TextBuilder, title: str | None) -> ReadDocument:
    """With what the file says of itself; `title` where it says none."""
    meta = document.meta
    author = one_line(meta.initial_creator or "") or one_line(meta.creator or "")
    return ReadDocument(
        kind=kind,
        text=builder.text,
        title=one_line(meta.title or "") or title,
        authors=(author,) if author else (),
        created=iso(meta.creation_date),
        modified=iso(meta.date),
        language=one_line(meta.language or "") or None,
        headings=builder.headings,
        pages=builder.pages,
    )


def _add(builder: TextBuilder, element: Any) -> None:
    for child in element:
        tag = child.tag
        if not isinstance(tag, str) or tag in _SKIPPED:
            continue
        if tag == f"{_TEXT}h":
            level = child.get(f"{_TEXT}outline-level", "1")
            builder.heading(int(level) if level.isdigit() else 1, _text(child))
        elif tag == f"{_TEXT}p":
            if child.get(f"{_TEXT}style-name") == "Title":
                builder.heading(1, _text(child))
            elif text := _text(child):
                builder.paragraph(text)
        elif tag == f"{_TEXT}list":
            _list(builder, child, 0)
            builder.end_list()
        elif tag == f"{_TABLE}table":
            builder.table(_rows(child))
        else:
            _add(builder, child)


def _list(builder: TextBuilder, element: Any, depth: int) -> None:
    for item in element.iterchildren(f"{_TEXT}list-item", f"{_TEXT}list-header"):
        for child in item:
            if child.tag == f"{_TEXT}list":
                _list(builder, child, depth + 1)
            elif isinstance(child.tag, str):
                builder.item(_text(child), depth)


def _rows(table: Any) -> Iterator[list[str]]:
    for row in table.iter(f"{_TABLE}table-row"):
        if next(row.iterancestors(f"{_TABLE}table")) is not table:
            continue
        cells: list[str] = []
        for cell in row.iterchildren(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            text = " ".join(map(_text, _paragraphs(cell))) or _value(cell)
            cells += [text] * _repeated(cell, "number-columns-repeated")
        while cells and not cells[-1]:
            cells.pop()
        yield from [cells] * _repeated(row, "number-rows-repeated") if cells else ()


def _paragraphs(element: Any) -> Iterator[Any]:
    """However deep they lie, but for those of annotations and notes."""
    for child in element:
        if child.tag in _PARAGRAPHS:
            yield child
        elif child.tag not in _SKIPPED:
            yield from _paragraphs(child)


def _value(cell: Any) -> str:
    """What a cell holds of which no writer said how it is shown."""
    names = ("string-value", "date-value", "time-value", "boolean-value", "value")
    return one_line(next((said for name in names if (said := cell.get(f"{_OFFICE}{name}"))), ""))


def _repeated(element: Any, name: str) -> int:
    stated = element.get(f"{_TABLE}{name}", "1")
    return max(1, min(int(stated), MAX_REPEATED)) if stated.isdigit() else 1


def _text(element: Any) -> str:
    return one_line("".join(_pieces(element)))


def _pieces(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and child.tag not in _SKIPPED:
            if child.tag in (f"{_TEXT}s", f"{_TEXT}tab", f"{_TEXT}line-break"):
                yield " "
            else:
                yield from _pieces(child)
        yield child.tail or ""
