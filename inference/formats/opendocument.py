"""ODT (OpenDocument, ISO/IEC 26300): paragraphs, headings, lists and tables in their order."""

import io
from collections.abc import Iterator
from typing import Any

from inference.formats.building import TextBuilder, one_line
from inference.formats.context import ReadContext
from inference.formats.dates import iso
from inference.formats.document import Read, ReadDocument
from inference.formats.errors import UnreadableFileError
from inference.formats.xml import parse_xml
from inference.formats.zip_guard import checked_office

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_SKIPPED = frozenset({f"{_TEXT}note", f"{_OFFICE}annotation", f"{_TEXT}tracked-changes", f"{_TEXT}sequence-decls"})
MAX_REPEATED = 1_000
"""Of cells and rows that stand for several."""


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document."""
    checked_office(raw)
    import odfdo

    document: Any = odfdo.Document(io.BytesIO(raw))
    if b"manifest:encryption-data" in document.container.get_part("META-INF/manifest.xml"):
        raise UnreadableFileError("is encrypted with a password; save it without one")
    builder = TextBuilder()
    _add(builder, parse_xml(document.container.get_part("content.xml")))
    meta = document.meta
    title = one_line(meta.title or "") or next(
        (builder.text[one.start : one.end] for one in builder.headings if one.level == 1), None
    )
    author = one_line(meta.initial_creator or "") or one_line(meta.creator or "")
    yield ReadDocument(
        kind="odt",
        text=builder.text,
        title=title,
        authors=(author,) if author else (),
        created=iso(meta.creation_date),
        modified=iso(meta.date),
        language=one_line(meta.language or "") or None,
        headings=builder.headings,
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
            text = " ".join(_text(one) for one in cell.iter(f"{_TEXT}p", f"{_TEXT}h"))
            cells += [text] * _repeated(cell, "number-columns-repeated")
        while cells and not cells[-1]:
            cells.pop()
        yield from [cells] * _repeated(row, "number-rows-repeated") if cells else ()


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
