"""What kind of file these bytes are, by their content. The name decides only between kinds of plain text."""

import re
import zlib

from inference.formats.context import ReadContext
from inference.formats.document import Kind
from inference.formats.encodings import Decoded
from inference.formats.errors import UnreadableFileError
from inference.formats.signatures import binary_kind

HEAD = 65_536
"""Characters of a text that are looked at."""
_PDF_WITHIN = 1024
_MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd"})
_PLAIN = frozenset({".txt", ".text", ".log", ""})
_MAIL_FIELDS = re.compile(
    r"^(?:from|to|cc|subject|date|message-id|mime-version|received|return-path|reply-to|delivered-to):", re.I | re.M
)
_HTML = re.compile(r"<!doctype\s+html|<html[\s>]|<(?:head|body)[\s>]", re.I)
_FRAGMENT = re.compile(r"<(?:p|div|table|h[1-6]|ul|ol|section|article|br)[\s/>]", re.I)
_TIMES = re.compile(r"\A\s*\d+[ \t]*\r?\n\d{1,2}:\d\d:\d\d[,.]\d{1,3}[ \t]*-->")


def binary(raw: bytes, context: ReadContext) -> Kind | None:
    """The kind of a file that is recognised by its bytes; None for what may be text.

    Raises UnreadableFileError for what is broken, encrypted or empty, UnsupportedFileError for what has no reader.
    """
    if not raw:
        raise UnreadableFileError("holds no text: it is empty")
    if b"%PDF-" in raw[:_PDF_WITHIN]:
        return "pdf"
    if raw.startswith(b"{\\rtf"):
        return "rtf"
    if raw.startswith(b"WARC/") or (raw.startswith(b"\x1f\x8b") and _unpacked(raw).startswith(b"WARC/")):
        return "warc"
    # Messages have encodings of their own, each part another.
    head = raw[:HEAD].decode("latin-1").lstrip()
    if head.startswith("From ") and _is_mail(head.partition("\n")[2]):
        return "mbox"
    if context.suffix not in _MARKDOWN and _is_mail(head):
        return "email"
    return binary_kind(raw)


def textual(decoded: Decoded, context: ReadContext) -> Kind:
    """The kind of a text."""
    head = decoded.text[:HEAD].lstrip()
    suffix = context.suffix
    if head.startswith("WEBVTT") or _TIMES.match(head) or re.match(r"\[Script Info\]", head, re.I):
        return "subtitles"
    if _HTML.search(head[:4096]) and head.startswith("<"):
        return "html"
    if suffix in (".html", ".htm", ".xhtml") and _FRAGMENT.search(head):
        return "html"
    if suffix in _MARKDOWN:
        return "markdown"
    if suffix == ".csv":
        return "csv"
    if suffix in (".tsv", ".tab"):
        return "tsv"
    if suffix == ".json" and head[:1] in "{[":
        return "json"
    return "text" if suffix in _PLAIN and not head.startswith("#!") else "source"


def _is_mail(head: str) -> bool:
    """Whether it starts with a message's header (RFC 5322): at least two fields that mail has, and no other lines."""
    header = re.split(r"\r?\n\r?\n", head, maxsplit=1)[0]
    lines = header.splitlines()
    fields = [line for line in lines if not line.startswith((" ", "\t"))]
    return (
        len({found.lower() for found in _MAIL_FIELDS.findall(header)}) >= 2
        and all(re.match(r"[!-9;-~]+:", line) for line in fields)
        and bool(lines)
    )


def _unpacked(raw: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(raw[:4096], 64)
    except zlib.error:
        return b""


def mislabelled(kind: Kind, context: ReadContext) -> str | None:
    """A warning where the name says another kind than the content is."""
    named = _NAMED.get(context.suffix)
    if named is None or named == kind:
        return None
    return f"is named {context.suffix} and is {kind}"


def is_named_readable(context: ReadContext) -> bool:
    """Whether the name says a kind that can be read."""
    return context.suffix in _NAMED or context.suffix in _TEXTS


_TEXTS = frozenset({".csv", ".markdown", ".md", ".tsv", ".txt"})
_NAMED: dict[str, Kind] = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".xlsx": "xlsx",
    ".odt": "odt",
    ".ods": "ods",
    ".odp": "odp",
    ".rtf": "rtf",
    ".epub": "epub",
    ".eml": "email",
    ".mbox": "mbox",
    ".msg": "msg",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".warc": "warc",
    ".srt": "subtitles",
    ".vtt": "subtitles",
    ".ass": "subtitles",
}
