"""DOCX (Office Open XML, ECMA-376): paragraphs, headings, lists and tables in their order."""

import io
import re
from collections.abc import Iterator
from typing import Any

from inference.formats.building import TextBuilder
from inference.formats.context import ReadContext
from inference.formats.document import Read, ReadDocument
from inference.formats.office import with_properties
from inference.formats.zip_guard import checked_office

_HEADING = re.compile(r"heading (\d)", re.I)
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document."""
    checked_office(raw)
    import docx

    document = docx.Document(io.BytesIO(raw))
    builder = TextBuilder()
    title = _add(builder, document, document.iter_inner_content())
    found = ReadDocument(kind="docx", text=builder.text, title=title, headings=builder.headings)
    yield with_properties(found, document.core_properties)


def _add(builder: TextBuilder, document: Any, blocks: Iterator[Any]) -> str | None:
    """Add what there is; the paragraph of the style Title, if there is one."""
    title = None
    in_list = False
    for block in blocks:
        if not hasattr(block, "style") or hasattr(block, "rows"):
            builder.table(_rows(block))
            continue
        text = _text(block)
        name = (block.style.name or "") if block.style is not None else ""
        found = _HEADING.match(name)
        is_item = name.lower().startswith("list") or _is_numbered(block)
        if in_list and not is_item:
            builder.end_list()
        in_list = is_item
        if found is not None and int(found[1]) > 0:
            builder.heading(int(found[1]), text)
        elif name == "Title" and text.strip():
            title = title or " ".join(text.split())
            builder.heading(1, text)
        elif is_item:
            builder.item(text, _depth(block))
        elif text.strip():
            builder.paragraph(text)
    return title


def _text(paragraph: Any) -> str:
    """With what is in links, fields, insertions and content controls; without what was deleted or is hidden."""
    words: list[str] = []
    for element in paragraph._p.iter():
        if element.tag == f"{_W}t" and not _is_gone(element, paragraph._p):
            words.append(element.text or "")
        elif element.tag in (f"{_W}tab", f"{_W}br", f"{_W}cr") and element.getparent().tag == f"{_W}r":
            words.append(" ")
        elif element.tag == f"{_W}noBreakHyphen":
            words.append("-")
    return "".join(words)


def _is_gone(element: Any, paragraph: Any) -> bool:
    run = element.getparent()
    if run is not None and run.tag == f"{_W}r":
        properties = run.find(f"{_W}rPr")
        vanish = properties.find(f"{_W}vanish") if properties is not None else None
        if vanish is not None and vanish.get(f"{_W}val") not in ("0", "false"):
            return True
    for above in element.iterancestors():
        if above is paragraph:
            return False
        if above.tag in (f"{_W}del", f"{_W}moveFrom", f"{_W}txbxContent"):
            return True
    return False


def _is_numbered(paragraph: Any) -> bool:
    properties = paragraph._p.pPr
    return properties is not None and properties.numPr is not None


def _depth(paragraph: Any) -> int:
    properties = paragraph._p.pPr
    numbering = properties.numPr if properties is not None else None
    level = numbering.ilvl if numbering is not None else None
    return int(level.val) if level is not None else 0


def _rows(table: Any) -> Iterator[list[str]]:
    """A merged cell is read once, the others of it are empty."""
    seen: set[Any] = set()
    for row in table.rows:
        cells: list[str] = []
        for cell in row.cells:
            fresh = cell._tc not in seen
            seen.add(cell._tc)
            cells.append(" ".join(_inside(cell)) if fresh else "")
        yield cells


def _inside(cell: Any) -> Iterator[str]:
    for block in cell.iter_inner_content():
        if hasattr(block, "rows"):
            yield from (" ".join(row) for row in _rows(block))
        else:
            yield _text(block)
