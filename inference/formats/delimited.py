"""Tables as text: CSV and TSV (RFC 4180), as a table with its first row as header."""

import csv
from collections.abc import Iterator

from inference.formats.building import TextBuilder
from inference.formats.context import ReadContext
from inference.formats.document import Read, ReadDocument
from inference.formats.encodings import Decoded
from inference.formats.errors import UnreadableFileError
from inference.formats.plain_text import guessed

SNIFFED = 16_384
"""Characters that are looked at to find the delimiter."""
_FIELD = 1_000_000


def read_csv(decoded: Decoded, context: ReadContext) -> Iterator[Read]:
    """One document."""
    yield from _read(decoded, "csv", _delimiter(decoded.text[:SNIFFED]))


def read_tsv(decoded: Decoded, context: ReadContext) -> Iterator[Read]:
    """One document."""
    yield from _read(decoded, "tsv", "\t")


def _read(decoded: Decoded, kind: str, delimiter: str) -> Iterator[Read]:
    csv.field_size_limit(_FIELD)
    builder = TextBuilder()
    try:
        builder.table(csv.reader(decoded.text.splitlines(keepends=True), delimiter=delimiter))
    except csv.Error as error:
        raise UnreadableFileError(f"is {kind.upper()} that cannot be parsed ({error}); mend it") from None
    yield ReadDocument(kind=kind, text=builder.text, encoding=decoded.encoding, warnings=guessed(decoded))


def _delimiter(head: str) -> str:
    """Of the usual ones, that which is in most lines equally often."""
    lines = [line for line in head.splitlines()[:50] if line.strip()]

    def likeness(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in lines]
        usual = max(set(counts), key=counts.count, default=0)
        return (counts.count(usual) if usual else 0, usual)

    return max(",;\t|", key=likeness)
