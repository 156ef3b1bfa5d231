"""Tables among the rows of a PDF's page: what stands in columns over two rows or more."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from inference.formats.pdf_characters import Piece
from inference.formats.pdf_layout import Row

SAME = 0.5
"""Points by which left or right edges of one column's cells differ, at most."""
NEAR = 2.5
"""From a row of a table to the next one, at most, in heights of a line, where cells do not overlap or are missing."""
_NUMBERED = re.compile(r"(?:\(?(?:\d{1,3}|[^\W\d_]|[ivxlc]{1,5}|[IVXLC]{1,5})[.)]|\d+(?:\.\d+)+\.?(?= [^\W\d_])) ")
"""Of an item or a heading, before its words: no cell."""
_FIGURE = re.compile(r"[-+(]?[\d#][\d#.,:/% -]*\)?")


@dataclass(frozen=True, slots=True)
class Table:
    """`rows[start:end]` of a page; `cells` has as many in each row, some of them empty."""

    start: int
    end: int
    cells: list[list[str]]


def tables(rows: Sequence[Row]) -> Iterator[Table]:
    """In the order of the rows: two or more of as many cells, each below the other, and rows beside them with fewer."""
    start = free = 0
    while start < len(rows):
        end = start + 1
        while end < len(rows) and _is_below(rows[end - 1], rows[end]):
            end += 1
        if end - start >= 2:
            columns = _Columns(rows[start:end])
            while start > free and columns.take(rows[start - 1], rows[start]):
                start -= 1
            while end < len(rows) and columns.take(rows[end], rows[end - 1]):
                end += 1
            yield Table(start, end, [columns.cells(row) for row in rows[start:end]])
            free = end
        start = end


class _Columns:
    """Of a table, each from the left edge of its cells to the right one."""

    def __init__(self, rows: Sequence[Row]) -> None:
        cells = list(zip(*(row.pieces for row in rows), strict=True))
        self.column = rows[0].column
        self.edges = [(min(one.left for one in column), max(one.right for one in column)) for column in cells]

    def take(self, row: Row, beside: Row) -> bool:
        """Whether a row with fewer cells, but two at least, is of the same table, too."""
        if row.column != self.column or row.bullet or len(row.pieces) < 2 or not _is_near(row, beside):
            return False
        within = [self._within(piece) for piece in row.pieces]
        return all(len(one) == 1 for one in within) and len({one[0] for one in within}) == len(within)

    def cells(self, row: Row) -> list[str]:
        """Its texts, in their columns."""
        if len(row.pieces) == len(self.edges):
            return [piece.text for piece in row.pieces]
        texts = {self._within(piece)[0]: piece.text for piece in row.pieces}
        return [texts.get(number, "") for number in range(len(self.edges))]

    def _within(self, piece: Piece) -> list[int]:
        return [number for number, (left, right) in enumerate(self.edges) if piece.left < right and piece.right > left]


def _is_below(row: Row, following: Row) -> bool:
    if row.bullet or following.bullet:
        return False
    if len(row.pieces) < 2 or len(row.pieces) != len(following.pieces) or row.column != following.column:
        return False
    pairs = list(zip(row.pieces, following.pieces, strict=True))
    if all(_overlap(above, below) for above, below in pairs):
        return True
    rights = [max(above.right, below.right) for above, below in pairs]
    are_apart = all(
        right < min(above.left, below.left) for right, (above, below) in zip(rights, pairs[1:], strict=False)
    )
    return (
        are_apart
        and _is_near(row, following)
        and all(
            _overlap(above, below) or abs(above.right - below.right) <= SAME or _FIGURE.fullmatch(below.text)
            for above, below in pairs
        )
    )


def _overlap(above: Piece, below: Piece) -> bool:
    overlap = min(above.right, below.right) > max(above.left, below.left)
    return overlap or abs(above.left - below.left) < above.size


def _is_near(row: Row, beside: Row) -> bool:
    return abs(row.base - beside.base) <= NEAR * max(row.size, beside.size)


def with_cells(rows: Sequence[Row]) -> list[Row]:
    """The same rows; pieces are apart where a wide space ends at the same place in the row above or below."""
    starts = [[*(piece.left for piece in row.pieces[1:]), *_ends(row)] for row in rows]
    found: list[Row] = []
    for index, row in enumerate(rows):
        beside = [
            left
            for other in (index - 1, index + 1)
            if 0 <= other < len(rows) and rows[other].column == row.column and _is_near(row, rows[other])
            for left in starts[other]
        ]
        pieces = [part for piece in row.pieces for part in _parts(piece, beside)]
        found.append(replace(row, pieces=pieces))
    return found


def _ends(row: Row) -> Iterator[float]:
    for piece in row.pieces:
        for space in piece.spaces:
            yield space.right


def _parts(piece: Piece, starts: Sequence[float]) -> Iterator[Piece]:
    """A piece, cut behind those of its spaces that end where something starts."""
    numbered = _NUMBERED.match(piece.text)
    for space in piece.spaces:
        is_number = numbered is not None and space.at == numbered.end()
        if not is_number and any(abs(space.right - left) <= SAME for left in starts):
            head, piece = piece.cut(space)
            yield head
    yield piece
