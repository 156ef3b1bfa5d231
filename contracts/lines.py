"""The attribute by which a document that is one line of a file (JSON Lines) says of which file."""

from collections.abc import Mapping
from typing import Any

LINE_OF = "line_of"
"""The file's address, as `file:///docs/letters.jsonl`."""


def file_of_line(attributes: Mapping[str, Any]) -> str:
    """The address of its file; "" for what is no line of one."""
    found = attributes.get(LINE_OF)
    return found if isinstance(found, str) else ""
