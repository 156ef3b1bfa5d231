"""Items of lists among the rows of a PDF's page: their bullets are told apart from their text."""

import re
from collections.abc import Sequence
from dataclasses import replace

from inference.formats.pdf_layout import Bullet, Row

REACH = 4.0
"""From a bullet that stands alone to its text, at most, in heights of the text."""
ALIGNED = 2.0
"""Points by which what is written one below the other may differ."""
ROWS = 100
"""Of a table, looked at above and below a sign."""
_SIGNS = "•‣▪▸►◦●○∙■□◆◇❖➢➤\ue000-\uf8ff"
"""What is no text. Writers have bullets of Symbol and Wingdings in the area for private use."""
_SIGN = re.compile(f"[{_SIGNS}]")
_SIGN_OR_DASH = re.compile(f"[{_SIGNS}·\u2013*-]")
_BEFORE_TEXT = re.compile("([•‣▪▸►◦●○∙■□◆◇❖➢➤·\u2013*]\\s*|[\ue000-\uf8ff]\\s+)(?=\\S)")
_LETTER = "o"
"""Of the second level, as Word and LibreOffice have it."""


def list_items(rows: Sequence[Row]) -> list[Row]:
    """The same rows; those that begin an item have a `bullet`, which their pieces lack then."""
    found: list[Row] = []
    levels: list[Bullet] = []
    for index, row in enumerate(rows):
        if found and found[-1].column != row.column:
            levels.clear()
        while levels and row.left < levels[-1].left - ALIGNED:
            levels.pop()
        item = _item(rows, index, levels)
        if item.bullet and levels and item.bullet.left <= levels[-1].left + ALIGNED:
            levels[-1] = item.bullet
        elif item.bullet:
            levels.append(item.bullet)
        if item.bullet:
            item.bullet.depth = len(levels) - 1
        found.append(item)
    return found


def _item(rows: Sequence[Row], index: int, levels: Sequence[Bullet]) -> Row:
    row = rows[index]
    first, *others = row.pieces
    sign = first.text.strip()
    is_letter = bool(levels) and (row.left > levels[-1].left + ALIGNED or levels[-1].sign == _LETTER)
    if others and (_SIGN_OR_DASH.fullmatch(sign) or (sign == _LETTER and is_letter)):
        if _is_text(row) and (_SIGN.fullmatch(sign) or len(others) == 1) and not _is_cell(rows, index):
            return replace(row, pieces=others, bullet=Bullet(first.left, sign))
        return row
    match = _BEFORE_TEXT.match(first.text)
    if match is None:
        return row
    text = replace(first, text=first.text[match.end() :])
    return replace(row, pieces=[text, *others], bullet=Bullet(first.left, match[1].strip()))


def _is_text(row: Row) -> bool:
    """What comes behind a bullet that stands alone."""
    first, second, *_ = row.pieces
    return any(map(str.isalnum, second.text)) and second.left - first.right <= REACH * second.size


def _is_cell(rows: Sequence[Row], index: int) -> bool:
    """Whether a sign stands where rows above or below it, up to the next that has no cell there, have words."""
    row = rows[index]
    sign = row.pieces[0].text.strip()
    for beside in (rows[max(0, index - ROWS) : index][::-1], rows[index + 1 : index + ROWS]):
        for one in beside:
            if len(one.pieces) != len(row.pieces) or one.column != row.column:
                break
            if abs(one.pieces[1].left - row.pieces[1].left) >= ALIGNED:
                break
            word = one.pieces[0].text.strip()
            if word != sign and not _SIGN_OR_DASH.fullmatch(word):
                return True
    return False
