"""Cursors of pages: they name the last entry of a page, and the list that it is of; anybody else's text is refused."""

import base64
import json
from collections.abc import Sequence

from contracts.errors import AnnalsError

MAX_NUMBER = 2**63 - 1


class WrongCursorError(AnnalsError):
    """This is no cursor of this list; give the one that its last page ended with, or none for the first page."""


def encoded(what: str, *last: str) -> str:
    """The cursor behind the entry of the list `what` that these parts name."""
    raw = json.dumps([what, *last], ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(what: str, cursor: str, size: int) -> Sequence[str]:
    """Its `size` parts. Raises WrongCursorError."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = json.loads(raw.decode())
    except (ValueError, RecursionError):
        raise WrongCursorError() from None
    if not isinstance(parts, list) or len(parts) != size + 1 or not all(map(_is_text, parts)) or parts[0] != what:
        raise WrongCursorError()
    return parts[1:]


def number_in(what: str, cursor: str | None) -> int:
    """The number that a cursor of one part names; 0 without a cursor. Raises WrongCursorError."""
    if cursor is None:
        return 0
    (text,) = decoded(what, cursor, 1)
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_NUMBER)) or int(text) > MAX_NUMBER:
        raise WrongCursorError()
    return int(text)


def _is_text(part: object) -> bool:
    """Whether a database takes it: without NUL and lone surrogates."""
    return isinstance(part, str) and "\x00" not in part and not any("\ud800" <= one <= "\udfff" for one in part)
