"""What Office files say of themselves (Office Open XML's core properties)."""

from dataclasses import replace
from typing import Any

from inference.formats.building import one_line
from inference.formats.dates import iso
from inference.formats.document import ReadDocument


def with_properties(document: ReadDocument, properties: Any) -> ReadDocument:
    """The document with what its file says of it, and the title that it has where the file says none.

    `properties`: an object with the core properties as attributes, as python-docx, python-pptx and openpyxl have them.
    """
    author = _text(properties, "author") or _text(properties, "creator")
    return replace(
        document,
        title=_text(properties, "title") or document.title,
        authors=tuple(filter(None, (one_line(one) for one in (author or "").split(";")))),
        created=iso(_value(properties, "created")),
        modified=iso(_value(properties, "modified")),
        language=_text(properties, "language"),
    )


def _text(properties: Any, name: str) -> str | None:
    found = _value(properties, name)
    return one_line(found) or None if isinstance(found, str) else None


def _value(properties: Any, name: str) -> object:
    try:
        return getattr(properties, name, None)
    except (ValueError, TypeError):
        return None
