"""JSON Lines in UTF-8, or in UTF-16 and UTF-32 where a byte order mark says so."""

import codecs
import itertools
from collections.abc import Iterator
from typing import BinaryIO

from contracts.errors import AnnalsError

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which is how it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BLOCK = 65_536
LOOKED_AT = 4096
"""Bytes that are looked at to tell UTF-16 without a mark: a quarter of them or more are NUL then."""


class UnreadableTextError(AnnalsError):
    """The bytes are no text that can be read; save the file as UTF-8."""


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines in UTF-8, each without the byte order mark before it. Raises UnreadableTextError.

    Files that were written one behind another (`cat`) have a mark at the start of any line. Lines of UTF-8 are not
    checked: whoever parses one says what is wrong with it.
    """
    first = stream.readline()
    encoding = _encoding(first)
    if encoding is None:
        if _lacks_mark(first):
            raise UnreadableTextError(_NO_MARK)
        yield from map(without_mark, itertools.chain([first] if first else [], stream))
        return
    rest = ""
    blocks = itertools.chain([first], iter(lambda: stream.read(BLOCK), b""))
    try:
        for part in codecs.iterdecode(blocks, encoding):
            *whole, rest = (rest + part).split("\n")
            yield from (without_mark(f"{line}\n".encode()) for line in whole)
    except UnicodeError as error:
        raise UnreadableTextError(f"is {encoding.upper()}, and broken: {_reason(error)}; save it as UTF-8") from None
    if rest:
        yield without_mark(rest.encode())


def starts_lines(line: bytes) -> bool:
    """Whether this is how a file of JSON objects begins, in any of these encodings."""
    encoding = _encoding(line)
    text = without_mark(line) if encoding is None else line.decode(encoding, "ignore").lstrip("\ufeff").encode()
    return text.lstrip().startswith(b"{") and not text.startswith(b"{\\rtf")


def without_mark(line: bytes) -> bytes:
    """Without the byte order marks that some programs put before UTF-8."""
    while line.startswith(codecs.BOM_UTF8):
        line = line.removeprefix(codecs.BOM_UTF8)
    return line


_NO_MARK = "looks like UTF-16 or UTF-32 without a byte order mark; save it as UTF-8"


def _encoding(raw: bytes) -> str | None:
    return next((encoding for mark, encoding in MARKS if raw.startswith(mark)), None)


def _lacks_mark(raw: bytes) -> bool:
    head = raw[:LOOKED_AT]
    return len(head) > 1 and 4 * head.count(0) >= len(head)


def _reason(error: UnicodeError) -> str:
    return error.reason if isinstance(error, UnicodeDecodeError) else str(error)
