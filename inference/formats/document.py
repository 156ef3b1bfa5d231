"""What a reader yields: a document's text and what the file says of it, or why there is none."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text", "markdown", "html", "csv", "tsv", "json", "email", "mbox", "msg", "subtitles", "source", "pdf", "docx",
    "pptx", "xlsx", "odt", "ods", "odp", "rtf", "epub", "warc", "archive",
]  # fmt: skip

MAX_CHARACTERS = 8_388_608
"""Of one document's text; no setting allows a document more."""
MAX_HEADINGS = 2_000
MAX_PAGES = 20_000
MAX_WARNINGS = 20


@dataclass(frozen=True, slots=True)
class Heading:
    """`text[start:end]` is a heading, of level 1 (the highest) to 6."""

    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document as its file has it.

    `part`: which document of a file with several this is (an attachment, a message, a record); empty for the file
    itself. `created`, `modified`: ISO 8601, as far as the file says. `encoding`: what the bytes were decoded by, where
    they had to be. `pages`: where each page begins in the text, in order; empty where the format knows none.
    `language`: a BCP 47 tag.
    """

    kind: str
    text: str
    title: str | None = None
    authors: tuple[str, ...] = ()
    created: str | None = None
    modified: str | None = None
    language: str | None = None
    encoding: str | None = None
    headings: tuple[Heading, ...] = ()
    pages: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    part: str = ""


@dataclass(frozen=True, slots=True)
class NotRead:
    """A file, or a part of one, that gives no document, and why, in one line that goes on after its name.

    `unsupported`: of a kind that no reader is for, so that nobody meant it; else it is broken, encrypted, empty or too
    large.
    """

    reason: str
    unsupported: bool = False
    part: str = ""


Read = ReadDocument | NotRead
