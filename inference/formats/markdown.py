"""Markdown (CommonMark and tables): the text as it is, with its headings; front matter becomes metadata."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from inference.formats.building import clean
from inference.formats.context import ReadContext
from inference.formats.dates import iso
from inference.formats.document import MAX_HEADINGS, Heading, Read, ReadDocument
from inference.formats.encodings import Decoded
from inference.formats.plain_text import guessed

_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FRONT_BYTES = 16_384


def read(decoded: Decoded, context: ReadContext) -> Iterator[Read]:
    """One document. Its title is the front matter's, or the heading that it starts with."""
    text = clean(decoded.text)
    front, text = _front_matter(text)
    headings = tuple(_headings(text))
    first = headings[0] if headings and not text[: headings[0].start].strip("# \t\r\n") else None
    yield ReadDocument(
        kind="markdown",
        text=text,
        title=_text(front.get("title")) or (text[first.start : first.end] if first else None),
        authors=tuple(_texts(front.get("author") or front.get("authors"))),
        created=iso(front.get("date")),
        language=_text(front.get("lang") or front.get("language")),
        encoding=decoded.encoding,
        headings=headings,
        warnings=guessed(decoded),
    )


def _headings(text: str) -> Iterator[Heading]:
    from markdown_it import MarkdownIt

    # The parser's own lines; what stands before the heading's words in them is no part of the heading.
    starts = [0]
    starts.extend(found.end() for found in re.finditer(r"\r\n|\n|\r", text))
    tokens = MarkdownIt("commonmark", {"maxNesting": 50}).disable(["inline"]).parse(text)
    count = 0
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open" or opening.map is None or not inline.content.strip():
            continue
        words = inline.content.strip().splitlines()[0].strip()
        start = text.find(words, starts[min(opening.map[0], len(starts) - 1)])
        if start >= 0 and count < MAX_HEADINGS:
            count += 1
            yield Heading(int(opening.tag[1:]), start, start + len(words))


def _front_matter(text: str) -> tuple[dict[str, Any], str]:
    found = _FRONT.match(text)
    if found is None or len(found[1]) > _FRONT_BYTES or re.search(r"[&*]\w", found[1]):
        return {}, text  # anchors and aliases can grow without bounds
    import yaml

    try:
        front = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, text
    return (front, text[found.end() :].lstrip("\r\n")) if isinstance(front, dict) else ({}, text)


def _text(value: object) -> str | None:
    return str(value).strip() or None if isinstance(value, str | int | float) else None


def _texts(value: object) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        found = _text(one.get("name") if isinstance(one, dict) else one)
        if found:
            yield found
