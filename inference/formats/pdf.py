"""PDF, by the engine of Chromium (pdfium): text in the order of reading, with page numbers and headings."""

from collections.abc import Iterator
from typing import Any

from inference.formats.building import TextBuilder, one_line
from inference.formats.context import ReadContext
from inference.formats.dates import pdf_date
from inference.formats.document import MAX_PAGES, Read, ReadDocument
from inference.formats.errors import UnreadableFileError
from inference.formats.ocr import Ocr
from inference.formats.pdf_characters import lines_of, scanned
from inference.formats.pdf_drawings import drawings_of, grids_of
from inference.formats.pdf_layout import Row, rows_of
from inference.formats.pdf_lists import list_items
from inference.formats.pdf_tables import with_cells
from inference.formats.pdf_text import add_pages

NO_TITLES = frozenset({"untitled", "(anonymous)", "anonymous", "unspecified", "(unspecified)"})
"""What writers put in where nobody said anything."""
SHOWN_PAGES = 10


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document. Pages without text are named; they are recognised (OCR) where tesseract is installed."""
    import pypdfium2
    from pypdfium2 import raw as pdfium

    try:
        document = pypdfium2.PdfDocument(raw)
        count = len(document)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            raise UnreadableFileError("is encrypted with a password; save it without one") from None
        raise UnreadableFileError(f"is a broken PDF ({one_line(str(error))[:80]}); get it again") from None
    if not count:
        raise UnreadableFileError("is a PDF without pages; get it again")
    pages: list[list[Row]] = []
    broken: list[int] = []
    images: list[int] = []
    ocr = Ocr()
    for number in range(min(count, MAX_PAGES)):
        rows: list[Row] = []
        try:
            page = document[number]
            drawings = drawings_of(page)
            rows = list_items(with_cells(rows_of(lines_of(page), grids_of(drawings))), drawings)
            if not rows and scanned(page):
                rows = list_items(ocr.rows(page))
                if not rows:
                    images.append(number + 1)
            page.close()
        except pypdfium2.PdfiumError:
            broken.append(number + 1)
        pages.append(rows)
    if len(broken) == count:
        raise UnreadableFileError("is a broken PDF (none of its pages can be opened); get it again")
    builder = TextBuilder()
    add_pages(builder, pages, _outline(document))
    if not builder.text.strip() and images:
        raise UnreadableFileError(f"is scanned, {_pages(images)} without text; {ocr.advice}")
    said = document.get_metadata_dict(skip_empty=True)
    yield ReadDocument(
        kind="pdf",
        text=builder.text,
        title=_stated(said, "Title") or _first_heading(builder),
        authors=tuple(filter(None, (_stated(said, "Author"),))),
        created=pdf_date(said.get("CreationDate", "")),
        modified=pdf_date(said.get("ModDate", "")),
        language=_language(document),
        headings=builder.headings,
        pages=builder.pages,
        warnings=tuple(_warnings(broken, images, ocr, count)),
    )


def _warnings(broken: list[int], images: list[int], ocr: Ocr, count: int) -> Iterator[str]:
    if images:
        yield f"{_pages(images)} scanned, without text; {ocr.advice}"
    if ocr.recognised:
        yield f"{ocr.recognised} scanned pages were recognised by tesseract, so that words may be wrong"
    if broken:
        yield f"{_pages(broken)} broken and left out"
    if count > MAX_PAGES:
        yield f"only the first {MAX_PAGES:,} of its {count:,} pages were read"


def _pages(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN_PAGES])) + (", ..." if len(numbers) > SHOWN_PAGES else "")
    return f"page {shown} is" if len(numbers) == 1 else f"pages {shown} are"


def _stated(said: dict[str, str], name: str) -> str | None:
    found = one_line(said.get(name, ""))
    return None if not found or found.lower() in NO_TITLES else found


def _first_heading(builder: TextBuilder) -> str | None:
    top = [one for one in builder.headings if one.level == 1]
    return builder.text[top[0].start : top[0].end] if top else None


def _outline(document: Any) -> dict[tuple[int, str], int]:
    """Levels of the bookmarks, by page (from 0) and title."""
    found: dict[tuple[int, str], int] = {}
    try:
        for bookmark in document.get_toc(max_depth=6):
            target = bookmark.get_dest()
            index = target.get_index() if target is not None else None
            if index is not None and len(found) < MAX_PAGES:
                found[index, one_line(bookmark.get_title()).casefold()] = bookmark.level + 1
    except Exception:
        return found  # a broken outline takes nothing from the text
    return found


def _language(document: Any) -> str | None:
    import ctypes

    from pypdfium2 import raw as pdfium

    read_language = getattr(pdfium, "FPDFCatalog_GetLanguage", None)
    if read_language is None:
        return None
    buffer = (ctypes.c_ushort * 64)()
    size = read_language(document.raw, buffer, ctypes.sizeof(buffer))
    if not 2 < size <= ctypes.sizeof(buffer):
        return None
    return one_line(bytes(buffer)[:size].decode("utf-16-le", "replace").strip("\0")) or None
