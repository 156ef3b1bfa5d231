"""MSG (Outlook, MS-OXMSG): the message, then its attachments as documents of their own."""

import io
from collections.abc import Callable, Iterator

from inference.formats.building import TextBuilder, clean, one_line
from inference.formats.context import ReadContext
from inference.formats.dates import iso
from inference.formats.document import Read, ReadDocument
from inference.formats.html import parse
from inference.formats.html_walk import add_body
from inference.formats.mail import MAX_PARTS


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """One document, and one for each attachment that can be read."""
    from oxmsg import Message

    message = Message.load(io.BytesIO(raw))
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
    yield ReadDocument(
        kind="msg",
        text=builder.text,
        title=one_line(shown["Subject"]) or None,
        authors=tuple(filter(None, (one_line(shown["From"]),))),
        created=iso(message.sent_date) or iso(headers.get("Date")),
        headings=builder.headings,
    )
    for number, attachment in enumerate(message.attachments[:MAX_PARTS], start=1):
        name = one_line(attachment.file_name or "") or f"attachment {number}"
        content = attachment.file_bytes
        if content:
            yield from context.read_part(content, name, name)


def _said(context: ReadContext, read: Callable[[], str | None]) -> str:
    """Where a text is in another encoding than the message says, it is found."""
    try:
        return read() or ""
    except UnicodeDecodeError as error:
        return context.decode(error.object).text
