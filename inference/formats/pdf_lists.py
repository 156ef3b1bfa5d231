"""Items of lists among the rows of a PDF's page: their bullets are told apart from their text."""

import re
from collections.abc import Sequence
from dataclasses import replace

from inference.formats.pdf_characters import Piece
from inference.formats.pdf_drawings import Drawing
from inference.formats.pdf_layout import Bullet, Row

REACH = 4.0
"""From a bullet that stands alone to its text, at most, in heights of the text."""
ALIGNED = 2.0
"""Points by which what is written one below the other may differ."""
LARGEST_DOT = 30.0
"""Points."""
DOT_REACH = 2.0
"""From a bullet that is drawn to its text, at most, in heights of the text."""
DOT = (0.12, 0.6)
"""Height of a bullet that is drawn, in heights of the text."""
MIDDLE = (0.25, 0.75)
"""Where its middle is, in heights of the text above its base."""
ROWS = 100
"""Of a table, looked at above and below a sign."""
_SIGNS = "•‣▪▸►◦●○∙■□◆◇❖➢➤\ue000-\uf8ff"
"""What is no text. Writers have bullets of Symbol and Wingdings in the area for private use."""
_SIGN = re.compile(f"[{_SIGNS}]")
_NUMBER = re.compile(r"\d{1,3}\.")
_LONE = re.compile(rf"[{_SIGNS}·\u2013*-]|{_NUMBER.pattern}")
"""What may be a bullet where it stands alone, or a cell."""
_BEFORE_TEXT = re.compile("([•‣▪▸►◦●○∙■□◆◇❖➢➤·\u2013*]\\s*|[\ue000-\uf8ff]\\s+)(?=\\S)")
_LETTER = "o"
"""Of the second level, as Word and LibreOffice have it."""


def list_items(rows: Sequence[Row], drawings: Sequence[Drawing] = ()) -> list[Row]:
    """The same rows; those that begin an item have a `bullet`, which their pieces lack then.

    `drawings`: of the page, among which bullets are that are drawn.
    """
    dots = [drawing for drawing in drawings if _is_dot(drawing)]
    found: list[Row] = []
    levels: list[Bullet] = []
    for index, row in enumerate(rows):
        if found and found[-1].column != row.column:
            levels.clear()
        while levels and row.left < levels[-1].left - ALIGNED:
            levels.pop()
        item = _item(rows, index, levels, dots)
        if item.bullet and levels and item.bullet.left <= levels[-1].left + ALIGNED:
            levels[-1] = item.bullet
        elif item.bullet:
            levels.append(item.bullet)
        if item.bullet:
            item.bullet.depth = len(levels) - 1
        found.append(item)
    return found


def _item(rows: Sequence[Row], index: int, levels: Sequence[Bullet], dots: Sequence[Drawing]) -> Row:
    row = rows[index]
    first, *others = cells = _apart(row)
    sign = first.text.strip()
    is_letter = bool(levels) and (row.left > levels[-1].left + ALIGNED or levels[-1].sign == _LETTER)
    if others and (_LONE.fullmatch(sign) or (sign == _LETTER and is_letter)):
        if (
            _is_text(first, others[0])
            and (_SIGN.fullmatch(sign) or len(others) == 1)
            and not _is_cell(cells, rows, index)
        ):
            return replace(row, pieces=others, bullet=Bullet(first.left, sign))
        return row
    first, *others = row.pieces
    match = _BEFORE_TEXT.match(first.text)
    if match is None:
        dot = _dot(row, dots) if not others else None
        return replace(row, bullet=Bullet(dot.left, "")) if dot else row
    text = replace(first, text=first.text[match.end() :])
    return replace(row, pieces=[text, *others], bullet=Bullet(first.left, match[1].strip()))


def _is_dot(drawing: Drawing) -> bool:
    width, height = drawing.right - drawing.left, drawing.top - drawing.bottom
    return 0 < width <= LARGEST_DOT and 0.6 * width <= height <= 1.7 * width


def _dot(row: Row, dots: Sequence[Drawing]) -> Drawing | None:
    """What is drawn before a line, if it is one dot at half its height."""
    first = row.pieces[0]
    if first.angle != 0 or not any(map(str.isalnum, first.text)):
        return None
    size = first.size
    before = [dot for dot in dots if 0 <= first.left - dot.right <= DOT_REACH * size]
    beside = [dot for dot in before if first.base < dot.top and dot.bottom < first.base + size]
    if len(beside) != 1:
        return None
    (dot,) = beside
    height, middle = dot.top - dot.bottom, (dot.top + dot.bottom) / 2 - first.base
    is_dot = DOT[0] * size <= height <= DOT[1] * size and MIDDLE[0] * size <= middle <= MIDDLE[1] * size
    return dot if is_dot else None


def _apart(row: Row) -> list[Piece]:
    """The pieces of a line; a bullet with a wide space behind it is one of its own."""
    first, *others = row.pieces
    sign = first.text[: first.spaces[0].at].strip() if first.spaces else ""
    if sign == _LETTER or _LONE.fullmatch(sign):
        return [*first.cut(first.spaces[0]), *others]
    return row.pieces


def _is_text(sign: Piece, text: Piece) -> bool:
    """Whether a bullet that stands alone has its text behind it."""
    return any(map(str.isalnum, text.text)) and text.left - sign.right <= REACH * text.size


def _is_cell(cells: Sequence[Piece], rows: Sequence[Row], index: int) -> bool:
    """Whether a sign stands where rows above or below it, up to the next that has no cell there, have words."""
    sign = cells[0].text.strip()
    for beside in (rows[max(0, index - ROWS) : index][::-1], rows[index + 1 : index + ROWS]):
        for one in beside:
            if len(one.pieces) != len(cells) or one.column != rows[index].column:
                break
            if abs(one.pieces[1].left - cells[1].left) >= ALIGNED:
                break
            word = one.pieces[0].text.strip()
            if word != sign and not _LONE.fullmatch(word):
                return True
    return False
