"""The order of reading of a page: columns one after another, what goes across them in between."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from inference.formats.pdf_characters import Piece
from inference.formats.pdf_drawings import Drawing

MIN_LINES = 4
"""Of each of two columns, at least."""
GUTTER = 0.6
"""Width of the white space between columns, in heights of a line."""
FILLED = 0.55
"""Of a column's width that its lines have in the middle: cells of a table are shorter."""
ACROSS = 0.34
"""Of all lines, those that may go across the columns."""
MAX_DEPTH = 6


@dataclass(slots=True)
class Bullet:
    """Before an item of a list. `left`: where it stands, in points; `sign`: its character; `depth`: from 0."""

    left: float
    sign: str
    depth: int = 0

    @property
    def number(self) -> int | None:
        """Of an item that is numbered."""
        return int(self.sign[:-1]) if self.sign[:-1].isdecimal() else None


@dataclass(slots=True)
class Row:
    """Pieces on one line, from left to right. `column` differs between columns, and between directions of writing.

    `bullet`: of an item of a list, of which this is the first line.
    """

    pieces: list[Piece]
    column: int
    bullet: Bullet | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(piece.text for piece in self.pieces)

    @property
    def left(self) -> float:
        """Of its first piece, in points along the direction."""
        return self.pieces[0].left

    @property
    def size(self) -> float:
        """Of its first piece, in points."""
        return self.pieces[0].size

    @property
    def base(self) -> float:
        """In points, upwards."""
        return self.pieces[0].base


def rows_of(pieces: Sequence[Piece], grids: Sequence[Drawing] = ()) -> list[Row]:
    """In the order of reading; first those of the direction that most characters have, then the others.

    `grids`: bounds of tables that are drawn on the page.
    """
    angles = Counter[int]()
    for piece in pieces:
        angles[piece.angle] += len(piece.text)
    order = _Order()
    for angle, _ in angles.most_common():
        order.grids = grids if angle == 0 else ()
        order.read([piece for piece in pieces if piece.angle == angle], 0)
        order.column += 1
    return order.rows


class _Order:
    """Rows as they are found."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.column = 0
        self.grids: Sequence[Drawing] = ()

    def read(self, pieces: list[Piece], depth: int) -> None:
        """Add these."""
        gutter = _gutter(pieces) if depth < MAX_DEPTH else None
        if gutter is None:
            self._lines(pieces)
            return
        left: list[Piece] = []
        right: list[Piece] = []
        for piece in sorted(pieces, key=lambda one: -one.base):
            if piece.left < gutter < piece.right:
                self._columns(left, right, depth)
                left, right = [], []
                self.rows.append(Row([piece], self.column))
            else:
                (left if piece.right <= gutter else right).append(piece)
        self._columns(left, right, depth)

    def _lines(self, pieces: list[Piece]) -> None:
        """Add these line by line, but a table that has text beside it as a whole, before what is beside it."""
        for grid in self.grids:
            within = [piece for piece in pieces if _is_within(piece, grid)]
            beside = [piece for piece in pieces if _is_level_with(piece, grid) and not _is_within(piece, grid)]
            if not within or not beside or not _are_apart(_lines(within), _lines(beside)):
                continue
            others = _lines([piece for piece in pieces if not _is_within(piece, grid)])
            at = _index_of(others, grid)
            for part in (_pieces(others[:at]), within, _pieces(others[at:])):
                self._lines(part)
                self.column += 1
            return
        self.rows.extend(Row(line, self.column) for line in _lines(pieces))

    def _columns(self, left: list[Piece], right: list[Piece], depth: int) -> None:
        for side in (left, right):
            if side:
                self.column += 1
                self.read(side, depth + 1)
        if left or right:
            self.column += 1


def _gutter(pieces: list[Piece]) -> float | None:
    """Where the white space between two columns is; None where there is one column."""
    if len(pieces) < 2 * MIN_LINES:
        return None
    size = median(piece.size for piece in pieces)
    best: tuple[int, float] | None = None
    edges = sorted({round(piece.left, 1) for piece in pieces})
    for edge in edges[1:][:: max(1, len(edges) // 200)]:
        at = edge - GUTTER * size / 2
        left = [piece for piece in pieces if piece.right <= at]
        right = [piece for piece in pieces if piece.left >= at]
        across = len(pieces) - len(left) - len(right)
        if across > ACROSS * len(pieces) or not (_is_column(left) and _is_column(right)):
            continue
        if min(piece.left for piece in right) - max(piece.right for piece in left) < GUTTER * size:
            continue
        if best is None or across < best[0]:
            best = (across, at)
    return best[1] if best else None


def _is_column(pieces: list[Piece]) -> bool:
    if len(pieces) < MIN_LINES:
        return False
    width = max(piece.right for piece in pieces) - min(piece.left for piece in pieces)
    lines = _lines(pieces)
    if len(lines) < MIN_LINES:
        return False
    return median(max(p.right for p in line) - min(p.left for p in line) for line in lines) >= FILLED * width


def _lines(pieces: list[Piece]) -> list[list[Piece]]:
    """From top to bottom; pieces whose bases are the same but for half a height are one line."""
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda one: (-one.base, one.left)):
        if lines and _is_one_line(lines[-1][0], piece):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [sorted(line, key=lambda one: one.left) for line in lines]


def _pieces(lines: Sequence[Sequence[Piece]]) -> list[Piece]:
    return [piece for line in lines for piece in line]


def _is_one_line(one: Piece, other: Piece) -> bool:
    return abs(one.base - other.base) <= 0.4 * min(one.size, other.size)


def _is_level_with(piece: Piece, grid: Drawing) -> bool:
    return grid.bottom <= piece.base + piece.size / 2 <= grid.top


def _is_within(piece: Piece, grid: Drawing) -> bool:
    return _is_level_with(piece, grid) and grid.left <= (piece.left + piece.right) / 2 <= grid.right


def _are_apart(within: list[list[Piece]], beside: list[list[Piece]]) -> bool:
    """Whether what stands beside a table is no part of it: most rows of the table have nothing beside them."""
    with_others = [row for row in within if any(_is_one_line(row[0], line[0]) for line in beside)]
    return 2 * len(with_others) < len(within)


def _index_of(lines: list[list[Piece]], grid: Drawing) -> int:
    """Before which of the lines a table is read: those that begin beside it, or right above of what does, follow it."""
    at = next((at for at, line in enumerate(lines) if line[0].base < grid.top), len(lines))
    while 0 < at < len(lines) and _goes_on(lines[at - 1], lines[at], grid):
        at -= 1
    return at


def _goes_on(above: list[Piece], line: list[Piece], grid: Drawing) -> bool:
    size = max(above[0].size, line[0].size)
    if above[0].base - line[0].base > 2 * size or abs(above[0].size - line[0].size) > 0.1 * size:
        return False
    return above[-1].right <= grid.left or above[0].left >= grid.right
