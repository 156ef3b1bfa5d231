"""What Office files say of themselves (Office Open XML's core properties)."""

from dataclasses import dataclass
from typing import Any

from inference.formats.building import one_line
from inference.formats.dates import iso


@dataclass(frozen=True, slots=True)
class Metadata:
    """As `ReadDocument` has it."""

    title: str | None
    authors: tuple[str, ...]
    created: str | None
    modified: str | None
    language: str | None


def metadata(properties: Any) -> Metadata:
    """Of an object with the core properties as attributes, as python-docx, python-pptx and openpyxl have them."""
    author = _text(properties, "author") or _text(properties, "creator")
    return Metadata(
        title=_text(properties, "title"),
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
