"""Documents that were read from files, as documents that are stored: what the file says of itself as attributes."""

import os
import re

from contracts.payload import Scalar
from contracts.structure import structure_attributes
from inference.formats.document import ReadDocument

ORIGINAL = "original"
"""The attribute with the digest of the bytes that a document was read from, where they are kept."""
MAX_TITLE = 1024
MAX_VALUE = 1024
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9_-]{0,32})?")
PLAIN = frozenset({"text", "markdown"})
"""Kinds that are what they are without being named."""


def attributes_of(document: ReadDocument) -> dict[str, Scalar]:
    """`format`, `author`, `created`, `modified`, `language`, `encoding` (other than UTF-8), `headings`, `pages`."""
    said = {
        "format": None if document.kind in PLAIN else document.kind,
        "author": "; ".join(document.authors),
        "created": document.created,
        "modified": document.modified,
        "language": _language(document.language),
        "encoding": None if document.encoding == "utf-8" else document.encoding,
    }
    attributes: dict[str, Scalar] = {name: value[:MAX_VALUE] for name, value in said.items() if value}
    headings = [(heading.level, heading.start, heading.end) for heading in document.headings]
    return attributes | structure_attributes(headings, document.pages)


def _language(tag: str | None) -> str | None:
    """Of a BCP 47 tag the language, as it is searched for; what is none says nothing, and the text is asked."""
    found = _TAG.fullmatch((tag or "").strip())
    return found[1].lower() if found and found[1].lower() not in ("und", "zxx") else None


def title_of(document: ReadDocument, name: str) -> str:
    """Its own, or the file's name without its suffix."""
    own = " ".join((document.title or "").split())
    return (own or os.path.splitext(os.path.basename(document.part or name))[0] or name)[:MAX_TITLE]


def part_of(document_id: str, part: str) -> str:
    """The id of a document within a file (an attachment, a message) whose own id is `document_id`."""
    printable = "".join(character for character in part if character >= " ")
    return f"{document_id}#{printable[:200]}" if part else document_id
