"""The order of reading of a page: columns one after another, what goes across them in between."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from inference.formats.pdf_characters import Piece

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


def rows_of(pieces: Sequence[Piece]) -> list[Row]:
    """In the order of reading; first those of the direction that most characters have, then the others."""
    angles = Counter[int]()
    for piece in pieces:
        angles[piece.angle] += len(piece.text)
    order = _Order()
    for angle, _ in angles.most_common():
        order.read([piece for piece in pieces if piece.angle == angle], 0)
        order.column += 1
    return order.rows


class _Order:
    """Rows as they are found."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.column = 0

    def read(self, pieces: list[Piece], depth: int) -> None:
        """Add these."""
        gutter = _gutter(pieces) if depth < MAX_DEPTH else None
        if gutter is None:
            self.rows.extend(Row(row, self.column) for row in _lines(pieces))
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
        if lines and abs(lines[-1][0].base - piece.base) <= 0.4 * min(lines[-1][0].size, piece.size):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [sorted(line, key=lambda one: one.left) for line in lines]
