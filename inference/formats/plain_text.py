"""Plain text and source code: the text as it is, whole."""

import os
import re
from collections.abc import Iterator

from inference.formats.building import clean
from inference.formats.context import ReadContext
from inference.formats.document import Read, ReadDocument
from inference.formats.encodings import Decoded

_HEADING = re.compile(r"\s*#{1,6}[ \t]+([^\r\n]*)")


def read_text(decoded: Decoded, context: ReadContext) -> Iterator[Read]:
    """One document. A Markdown heading at its start is its title."""
    found = _HEADING.match(decoded.text)
    title = found[1].strip() if found else ""
    yield ReadDocument(
        kind="text",
        text=clean_lines(decoded.text),
        title=title or None,
        encoding=decoded.encoding,
        warnings=guessed(decoded),
    )


def read_source(decoded: Decoded, context: ReadContext) -> Iterator[Read]:
    """One document, its title the file's name."""
    yield ReadDocument(
        kind="source",
        text=clean_lines(decoded.text),
        title=os.path.basename(context.name) or None,
        encoding=decoded.encoding,
        warnings=guessed(decoded),
    )


def guessed(decoded: Decoded) -> tuple[str, ...]:
    """A warning where the encoding is a guess."""
    if not decoded.guessed:
        return ()
    return (f"its encoding was taken for {decoded.encoding}; if that is wrong, name it by --encoding",)


def clean_lines(text: str) -> str:
    """Without NUL, other controls and half surrogates; line ends stay as they are."""
    return clean(text)
