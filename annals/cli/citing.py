"""Where a source stands in its file, as people read it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit


def has_structure(source: Mapping[str, Any]) -> bool:
    """Whether more is known of its place than the characters."""
    citation = source["citation"]
    return citation is not None and bool(citation["headings"] or citation["page"])


def cited(source: Mapping[str, Any]) -> str:
    """`report.pdf, page 3, Results > Costs, characters 120-410`."""
    told = []
    if (citation := source["citation"]) is not None:
        told.append(_file(citation["file"]))
        first, last = citation["page"], citation["last_page"]
        if first:
            told.append(f"page {first}" if first == last else f"pages {first}-{last}")
        if citation["headings"]:
            told.append(" > ".join(citation["headings"]))
    return ", ".join([*told, f"characters {source['start']}-{source['end']}"])


def _file(address: str) -> str:
    """A file's name, of any other address the whole of it."""
    if not address.startswith("file:"):
        return address
    parts = urlsplit(address)
    name = unquote(parts.path).rpartition("/")[2]
    return f"{name}#{unquote(parts.fragment)}" if parts.fragment else name
