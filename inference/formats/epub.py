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
        called = _contents(book, names, package, package_name)
        for name in _spine(package, package_name):
            if name not in names:
                missing += 1
                continue
            builder.page()
            chapter = parse(decode(member(book, name)).text)
            _with_heading(chapter, called.get(name))
            add_body(builder, chapter, whole=True)
    yield ReadDocument(
        kind="epub",
        text=builder.text,
        title=_first(package, "title"),
        authors=tuple(one_line(one.text or "") for one in elements(package, "creator") if (one.text or "").strip()),
        created=iso(_first(package, "date")),
        modified=iso(_first(package, "meta", property="dcterms:modified")),
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
        yield _path(item.get("href") or "", package_name)


def _contents(book: ZipFile, names: set[str], package: Any, package_name: str) -> dict[str, str]:
    """What the table of contents calls each chapter that is a file of its own, by its path."""
    found: dict[str, str] = {}
    for item in elements(package, "item"):
        path = _path(item.get("href") or "", package_name)
        if "nav" not in (item.get("properties") or "").split() or path not in names:
            continue
        try:
            links = parse(decode(member(book, path)).text).iter("a")
        except UnreadableFileError:
            continue
        for link in links:
            found.setdefault(_path(link.get("href") or "", path), one_line(link.text_content()))
    return found


def _with_heading(chapter: Any, called: str | None) -> None:
    """A chapter without headings whose first paragraph says what the contents call it has that for its heading."""
    if next(chapter.iter("h1", "h2", "h3", "h4", "h5", "h6"), None) is None:
        first = next((one for one in chapter.iter("p") if one_line(one.text_content())), None)
        if first is not None and one_line(first.text_content()) == called:
            first.tag = "h1"


def _path(address: str, of: str) -> str:
    """Of what a file of the book names."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(of), unquote(address)))


def _first(package: Any, name: str, **attributes: str) -> str | None:
    """What the first element with this name, and these attributes, says."""
    for found in elements(package, name):
        if (found.text or "").strip() and all(found.get(key) == value for key, value in attributes.items()):
            return one_line(found.text)
    return None
