"""From the bytes of a file to text: UTF-8, or UTF-16 and UTF-32 where a byte order mark says so."""

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


def read_text(raw: bytes) -> str:
    """The text, without the byte order marks at its start. Raises UnreadableTextError."""
    return _decoded(raw, _encoding(raw) or "utf-8").lstrip("\ufeff")


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


def _decoded(raw: bytes, encoding: str) -> str:
    if encoding == "utf-8" and len(raw) % 2 == 0 and _lacks_mark(raw):
        raise UnreadableTextError(_NO_MARK)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise UnreadableTextError(
                f"is {encoding.upper()}, and broken at byte {error.start}: {error.reason}; save it as UTF-8"
            ) from None
        byte = f"byte {error.start} is {raw[error.start]:#04x}"
        if b"\0" in raw:
            raise UnreadableTextError(f"is no text: {byte}, and it holds NUL bytes as a binary file does") from None
        raise UnreadableTextError(f"is not UTF-8 text: {byte}; save it as UTF-8") from None


def _reason(error: UnicodeError) -> str:
    return error.reason if isinstance(error, UnicodeDecodeError) else str(error)
