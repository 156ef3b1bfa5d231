"""OpenDocument (ISO/IEC 26300): texts (ODT), spreadsheets (ODS) and presentations (ODP)."""

import io
import re
from collections.abc import Iterator
from typing import Any

from inference.formats.building import TextBuilder, one_line
from inference.formats.context import ReadContext
from inference.formats.dates import iso
from inference.formats.document import Kind, Read, ReadDocument
from inference.formats.errors import UnreadableFileError
from inference.formats.opendocument_elements import OFFICE, SKIPPED, TABLE, TEXT, paragraphs_of, rows_of, text_of
from inference.formats.xml import parse_xml
from inference.formats.zip_guard import checked_office

_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_LENGTH = re.compile(r"\d{1,6}(?:\.\d{1,6})?")


def read_text(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document."""
    document = _opened(raw)
    builder = TextBuilder()
    _add(builder, _body(document))
    first = next((builder.text[one.start : one.end] for one in builder.headings if one.level == 1), None)
    yield _told(document, "odt", builder, first)


def read_spreadsheet(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document. A page is a sheet, cells are as they are shown but for dates."""
    document = _opened(raw)
    builder = TextBuilder()
    for sheet in _body(document).iter(f"{TABLE}table"):
        if sheet.getparent().tag == f"{OFFICE}spreadsheet":
            builder.page()
            builder.heading(1, sheet.get(f"{TABLE}name", ""))
            builder.table(rows_of(sheet))
    yield _told(document, "ods", builder, None)


def read_presentation(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document. A page is a slide: its title as heading, its text, tables, and notes."""
    document = _opened(raw)
    builder = TextBuilder()
    first = None
    body = _body(document)
    indents = _indents(body)
    for slide in body.iter(f"{_DRAW}page"):
        builder.page()
        title = next((one for one in slide if one.get(f"{_PRESENTATION}class") == "title"), None)
        if title is not None and (said := text_of(title)):
            first = first or said
            builder.heading(1, said)
        for item in slide:
            if item is title or item.tag == f"{_PRESENTATION}notes":
                continue
            has_structure = any(True for _ in item.iter(f"{TEXT}list", f"{TABLE}table"))
            if item.get(f"{_PRESENTATION}class") == "outline" and not has_structure:
                _points(builder, item, indents)
            else:
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
        if not isinstance(tag, str) or tag in SKIPPED:
            continue
        if tag == f"{TEXT}h":
            level = child.get(f"{TEXT}outline-level", "1")
            builder.heading(int(level) if level.isdigit() else 1, text_of(child))
        elif tag == f"{TEXT}p":
            if child.get(f"{TEXT}style-name") == "Title":
                builder.heading(1, text_of(child))
            elif text := text_of(child):
                builder.paragraph(text)
        elif tag == f"{TEXT}list":
            _list(builder, child, 0)
            builder.end_list()
        elif tag == f"{TABLE}table":
            builder.table(rows_of(child))
        else:
            _add(builder, child)


def _list(builder: TextBuilder, element: Any, depth: int) -> None:
    for item in element.iterchildren(f"{TEXT}list-item", f"{TEXT}list-header"):
        for child in item:
            if child.tag == f"{TEXT}list":
                _list(builder, child, depth + 1)
            elif isinstance(child.tag, str):
                builder.item(text_of(child), depth)


def _indents(body: Any) -> dict[str | None, float]:
    """Of styles of paragraphs, each in the unit that it has."""
    found: dict[str | None, float] = {}
    for style in body.iter(f"{_STYLE}style"):
        for properties in style.iterchildren(f"{_STYLE}paragraph-properties"):
            if said := _LENGTH.match(properties.get(f"{_FO}margin-left", "")):
                found[style.get(f"{_STYLE}name")] = float(said[0])
    return found


def _points(builder: TextBuilder, outline: Any, indents: dict[str | None, float]) -> None:
    """Paragraphs of an outline without lists are its points, as deep as they are indented; a single one is text."""
    found = [(text_of(one), indents.get(one.get(f"{TEXT}style-name"), 0.0)) for one in paragraphs_of(outline)]
    found = [(text, indent) for text, indent in found if text]
    if len(found) == 1:
        builder.paragraph(found[0][0])
        return
    depths = {indent: depth for depth, indent in enumerate(sorted({indent for _, indent in found}))}
    for text, indent in found:
        builder.item(text, depths[indent])
    builder.end_list()
