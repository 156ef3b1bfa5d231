"""PPTX (Office Open XML): a page a slide; its title as heading, its text, tables and notes."""

import io
from collections.abc import Iterator
from typing import Any

from inference.formats.building import TextBuilder
from inference.formats.context import ReadContext
from inference.formats.document import Read, ReadDocument
from inference.formats.office import with_properties
from inference.formats.zip_guard import checked_office

MAX_DEPTH = 32
"""Groups within groups."""


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document. Hidden slides are read like the others, since their page numbers count."""
    checked_office(raw)
    from pptx import Presentation

    presentation = Presentation(io.BytesIO(raw))
    builder = TextBuilder()
    first = None
    for slide in presentation.slides:
        builder.page()
        title = _title(slide)
        if title is not None:
            first = first or " ".join(title.text_frame.text.split())
            builder.heading(1, title.text_frame.text)
        for item in _in_order(slide.shapes):
            if title is None or item.shape_id != title.shape_id:
                _add(builder, item, 0)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            for paragraph in slide.notes_slide.notes_text_frame.paragraphs:
                builder.paragraph(paragraph.text)
    found = ReadDocument(kind="pptx", text=builder.text, title=first, headings=builder.headings, pages=builder.pages)
    yield with_properties(found, presentation.core_properties)


def _title(slide: Any) -> Any | None:
    """The first of the type of titles that has text. Its index does not tell: LibreOffice writes none, which is 0."""
    from pptx.enum.shapes import PP_PLACEHOLDER as KIND

    titles = (KIND.TITLE, KIND.CENTER_TITLE, KIND.VERTICAL_TITLE)
    placeholders = (one for one in slide.shapes if one.is_placeholder and one.has_text_frame)
    found = (one for one in placeholders if one.placeholder_format.type in titles)
    return next((one for one in found if one.text_frame.text.strip()), None)


def _in_order(items: Any) -> list[Any]:
    """Placeholders come first as they are stored, which is their order of reading; all else from top to bottom."""
    return sorted(items, key=lambda item: (not item.is_placeholder, 0 if item.is_placeholder else item.top or 0))


def _add(builder: TextBuilder, item: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        return
    if hasattr(item, "shapes"):
        for inner in item.shapes:
            _add(builder, inner, depth + 1)
    elif getattr(item, "has_table", False):
        builder.table([cell.text for cell in row.cells] for row in item.table.rows)
    elif item.has_text_frame:
        paragraphs = [one for one in item.text_frame.paragraphs if one.text.strip()]
        for paragraph in paragraphs:
            if len(paragraphs) > 1:
                builder.item(paragraph.text, paragraph.level)
            else:
                builder.paragraph(paragraph.text)
        builder.end_list()
