"""E-mail (RFC 5322, MIME) and mailboxes (mbox): a document a message, attachments as documents of their own."""

import email
import email.policy
import re
from collections.abc import Iterator
from email.errors import MessageError
from email.message import EmailMessage
from typing import Any

from inference.formats.building import TextBuilder, clean, one_line
from inference.formats.context import ReadContext
from inference.formats.dates import iso
from inference.formats.document import NotRead, Read, ReadDocument
from inference.formats.errors import UnreadableFileError
from inference.formats.html import parse
from inference.formats.html_walk import add_body

MAX_PARTS = 200
"""Attachments of a message that are read."""
_FROM = re.compile(rb"^From [^\r\n]*\r?\n", re.MULTILINE)
_SHOWN = ("From", "To", "Cc", "Date", "Subject")


def read_message(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """The message, then its attachments."""
    try:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        parts = list(_attachments(message))
        yield _document(message)
    except (MessageError, ValueError, LookupError, AssertionError, AttributeError, TypeError, IndexError) as error:
        raise UnreadableFileError(f"is a broken message ({one_line(str(error))[:80]}); export it again") from None
    for number, part in enumerate(parts[:MAX_PARTS], start=1):
        name = one_line(_header(part, "filename") or part.get_filename() or "") or f"attachment {number}"
        content = _payload(part)
        if content:
            yield from context.read_part(content, name, name)
    if len(parts) > MAX_PARTS:
        yield NotRead(f"has {len(parts)} attachments, of which {MAX_PARTS} were read", part="attachments")


def read_mailbox(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """Every message, named by its Message-ID, or by its number where it has none."""
    starts = [found for found in _FROM.finditer(raw) if found.start() == 0 or raw[: found.start()].endswith(b"\n\n")
              or raw[found.start() - 4 : found.start()] == b"\r\n\r\n"]  # fmt: skip
    for number, found in enumerate(starts, start=1):
        end = starts[number].start() if number < len(starts) else len(raw)
        message = re.sub(rb"^>(>*From )", rb"\1", raw[found.end() : end], flags=re.MULTILINE)
        stated = re.search(rb"^message-id:\s*<([^>\r\n]{1,200})>", message[:65_536], re.I | re.M)
        part = stated[1].decode("ascii", "replace") if stated else f"message {number}"
        yield from context.read_part(message, f"{part}.eml", part)


def _document(message: EmailMessage) -> ReadDocument:
    builder = TextBuilder()
    shown = {name: one_line(_header(message, name)) for name in _SHOWN}
    builder.verbatim("\n".join(f"{name}: {value}" for name, value in shown.items() if value))
    body = message.get_body(("plain", "html"))
    if body is not None:
        text = _text(body)
        if body.get_content_subtype() == "html":
            if text.strip():
                add_body(builder, parse(text), whole=True)
        else:
            builder.verbatim(clean(text))
    return ReadDocument(
        kind="email",
        text=builder.text,
        title=shown["Subject"] or None,
        authors=(shown["From"],) if shown["From"] else (),
        created=iso(shown["Date"]),
        language=one_line(_header(message, "Content-Language")) or None,
        headings=builder.headings,
    )


def _attachments(message: EmailMessage) -> Iterator[Any]:
    body = message.get_body(("plain", "html"))
    alternatives = {id(message.get_body((kind,))) for kind in ("plain", "html")}
    for part in message.walk():
        if part is body or id(part) in alternatives or part.is_multipart():
            if part.get_content_type() == "message/rfc822" and part is not message:
                yield part
            continue
        if part is message:
            continue
        if part.get_filename() or part.get_content_disposition() == "attachment":
            yield part


def _payload(part: Any) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        return b"".join(bytes(one) for one in inner) if isinstance(inner, list) else str(inner).encode()
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _text(part: Any) -> str:
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError, KeyError):
        raw = part.get_payload(decode=True)
        return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""


def _header(message: Any, name: str) -> str:
    try:
        return str(message.get(name) or "")
    except (MessageError, ValueError, LookupError, AttributeError, TypeError):
        return ""
