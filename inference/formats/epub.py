"""EPUB (EPUB 3, OCF): its chapters in the order of reading, each a page; a zip file of XHTML."""

import posixpath
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

from inference.formats.building import TextBuilder, one_line
from inference.formats.context import ReadContext
from inference.formats.dates import iso
from inference.formats.document import Read, ReadDocument
from inference.formats.encodings import decode
from inference.formats.errors import UnreadableFileError
from inference.formats.html import parse
from inference.formats.html_walk import add_body
from inference.formats.xml import elements, parse_xml
from inference.formats.zip_guard import member, opened

_READ = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document."""
    with opened(raw) as book:
        names = set(book.namelist())
        if "META-INF/encryption.xml" in names and b"xmlenc#aes" in member(book, "META-INF/encryption.xml"):
            raise UnreadableFileError("is encrypted (DRM); get it without")
        package_name = _package_name(book)
        package = _tree(book, package_name)
        builder = TextBuilder()
        missing = 0
        for name in _spine(package, package_name):
            if name not in names:
                missing += 1
                continue
            builder.page()
            add_body(builder, parse(decode(member(book, name)).text), whole=True)
    yield ReadDocument(
        kind="epub",
        text=builder.text,
        title=_first(package, "title"),
        authors=tuple(one_line(one.text or "") for one in elements(package, "creator") if (one.text or "").strip()),
        created=iso(_first(package, "date")),
        language=_first(package, "language"),
        headings=builder.headings,
        pages=builder.pages,
        warnings=(f"{missing} of its chapters are missing",) if missing else (),
    )


def _tree(book: ZipFile, name: str) -> Any:
    try:
        return parse_xml(member(book, name))
    except KeyError:
        raise UnreadableFileError(f"is an EPUB without {name[:100]}; get it again") from None


def _package_name(book: ZipFile) -> str:
    for found in elements(_tree(book, "META-INF/container.xml"), "rootfile"):
        if path := found.get("full-path"):
            return str(path)
    raise UnreadableFileError("is an EPUB that names no package; get it again")


def _spine(package: Any, package_name: str) -> Iterator[str]:
    """Paths of the chapters. The table of contents is none."""
    items = {found.get("id"): found for found in elements(package, "item")}
    for found in elements(package, "itemref"):
        item = items.get(found.get("idref"))
        if item is None or item.get("media-type") not in _READ or "nav" in (item.get("properties") or "").split():
            continue
        yield posixpath.normpath(posixpath.join(posixpath.dirname(package_name), unquote(item.get("href") or "")))


def _first(package: Any, name: str) -> str | None:
    return next((one_line(found.text) for found in elements(package, name) if (found.text or "").strip()), None)
