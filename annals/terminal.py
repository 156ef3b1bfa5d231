"""Text that comes from documents, producers or servers, made safe for a terminal: it commands nothing there.

A terminal executes control characters of C0 and C1 (a title may hold ESC ] or U+009B), and shows text in another order
after the bidirectional controls of Unicode (UAX 9); line and paragraph separators (U+2028, U+2029) fake lines.
"""

import json
import logging
import re
import sys
import traceback
from datetime import datetime
from types import TracebackType
from typing import Any

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
_UNSAFE = re.compile(f"[{_CONTROLS}{_BIDI}]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\t"}
_UNDECODED = range(0xDC80, 0xDD00)


def visible(text: str) -> str:
    """One line: control characters as escapes (`\\x1b`, `\\u202e`, `\\n`), a tab and all else as they are.

    A byte that could not be decoded, which Python keeps as a lone surrogate, is shown as that byte.
    """
    return _UNSAFE.sub(lambda found: _escaped(found[0]), text)


def visible_lines(text: str) -> str:
    """As `visible`, with line feeds kept: for text of our own making that has several lines."""
    return "\n".join(map(visible, text.split("\n")))


def visible_json(value: Any) -> str:
    """JSON in one line, where unsafe characters are JSON's own escapes: whoever parses it gets them exactly.

    Times are as RFC 3339 has them.
    """
    text = json.dumps(value, ensure_ascii=False, default=_as_json)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _as_json(value: object) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def _escaped(character: str) -> str:
    code = ord(character)
    if code in _UNDECODED:
        code -= 0xDC00
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


class VisibleFormatter(logging.Formatter):
    """Log lines that hold no control characters; a traceback keeps its lines."""

    def format(self, record: logging.LogRecord) -> str:
        """As `logging.Formatter`, made visible. A message is one line; what is behind it may be several."""
        message = record.getMessage()
        plain = logging.makeLogRecord({**record.__dict__, "msg": visible(message), "args": None})
        return visible_lines(super().format(plain))


def show_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """For `sys.excepthook`: a traceback without control characters, since its message may hold anything."""
    sys.stderr.write(visible_lines("".join(traceback.format_exception(kind, error, trace))))
