"""MSG (Outlook, MS-OXMSG): the message, then its attachments as documents of their own."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from inference.formats.building import TextBuilder, clean, one_line
from inference.formats.context import MAX_DEPTH, ReadContext
from inference.formats.dates import iso
from inference.formats.document import NotRead, Read, ReadDocument
from inference.formats.html import parse
from inference.formats.html_walk import add_body
from inference.formats.mail import MAX_PARTS

PROPERTIES = "__properties_version1.0"
WITHIN = "__substg1.0_3701000D"
"""The storage of a message within an attachment (MS-OXMSG, 2.2.2)."""


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document, and one for each attachment that can be read."""
    from olefile import OleFileIO
    from oxmsg.storage import Storage

    with OleFileIO(io.BytesIO(raw)) as opened:
        root = Storage.from_ole(opened)
    yield from _message(root, context)


def _message(storage: Any, context: ReadContext) -> Iterator[Read]:
    from oxmsg import Message
    from oxmsg.attachment import Attachment

    yield _document(Message(storage), context)
    for number, one in enumerate(islice(storage.iter_attachment_storages(), MAX_PARTS), start=1):
        attachment = Attachment(one)
        name = one_line(attachment.file_name or "") or f"attachment {number}"
        within = next((inner for inner in one.storages if inner.name == WITHIN), None)
        if content := attachment.file_bytes:
            yield from context.read_part(content, name, name)
        elif within is not None:
            for found in _within(within, replace(context, name=name, depth=context.depth + 1)):
                yield replace(found, part=f"{name}/{found.part}" if found.part else name)


def _within(storage: Any, context: ReadContext) -> Iterator[Read]:
    """A message that is attached to another one."""
    if context.depth > MAX_DEPTH:
        yield NotRead(f"lies in more than {MAX_DEPTH} files within files; unpack it")
        return
    streams = tuple(
        replace(one, bytes_=_as_of_file(one.bytes_)) if one.name == PROPERTIES else one for one in storage.streams
    )
    yield from _message(replace(storage, streams=streams), context)


def _as_of_file(properties: bytes) -> bytes:
    """Before the properties, of 16 bytes each, stand 24 bytes within a message and 32 in a file (MS-OXMSG, 2.4.1); some
    writers have 32 in both.
    """
    return properties if len(properties) % 16 == 0 else properties[:24] + bytes(8) + properties[24:]


def _document(message: Any, context: ReadContext) -> ReadDocument:
    headers = dict(message.message_headers)
    shown = {
        "From": _said(context, lambda: message.sender) or headers.get("From", ""),
        "To": headers.get("To", "") or ", ".join(one.email_address or one.name for one in message.recipients),
        "Cc": headers.get("Cc", ""),
        "Date": headers.get("Date", "") or (message.sent_date.isoformat() if message.sent_date else ""),
        "Subject": _said(context, lambda: message.subject),
    }
    builder = TextBuilder()
    builder.verbatim("\n".join(f"{name}: {one_line(value)}" for name, value in shown.items() if value))
    if body := _said(context, lambda: message.body):
        builder.verbatim(clean(body))
    elif message.html_body:
        add_body(builder, parse(message.html_body), whole=True)
    return ReadDocument(
        kind="msg",
        text=builder.text,
        title=one_line(shown["Subject"]) or None,
        authors=tuple(filter(None, (one_line(shown["From"]),))),
        created=iso(message.sent_date) or iso(headers.get("Date")),
        headings=builder.headings,
    )


def _said(context: ReadContext, read: Callable[[], str | None]) -> str:
    """Where a text is in another encoding than the message says, it is found."""
    try:
        return read() or ""
    except UnicodeDecodeError as error:
        return context.decode(error.object).text
