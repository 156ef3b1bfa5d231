"""From the rows of a PDF's pages to its text: paragraphs, headings by their size and by bookmarks, tables, lists."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from inference.formats.building import TextBuilder, one_line
from inference.formats.pdf_layout import Row
from inference.formats.pdf_lists import ALIGNED
from inference.formats.pdf_tables import tables

LARGER = 1.15
"""Heights of a heading to that of most text."""
LONGEST_HEADING = 200
PITCH = 1.2
"""From a line to the next one of the same paragraph, at most, in distances between most lines."""
PITCHES = (0.7, 2.5)
"""In heights of a line: what is less or more is no distance between two lines of a paragraph."""
REPEATED_PAGES = 3
_NUMBER = re.compile(r"\d+")


def add_pages(builder: TextBuilder, pages: Sequence[Sequence[Row]], outline: Mapping[tuple[int, str], int]) -> None:
    """Add all pages. Lines at the top and bottom that come on most pages (headers, footers) are left out."""
    sizes = Counter[float]()
    for rows in pages:
        for row in rows:
            sizes[_size(row)] += len(row.text)
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    larger = sorted((size for size in sizes if size > LARGER * body), reverse=True)
    levels = {size: min(level, 6) for level, size in enumerate(larger, start=1)}
    pitch = PITCH * _pitch(pages)
    repeated = _repeated(pages, pitch)
    for index, rows in enumerate(pages):
        edges = [row for row in _edges(rows, pitch) if _pattern(row) in repeated]
        kept = [row for row in rows if not any(row is edge for edge in edges)]
        builder.page()
        _add(builder, kept, pitch, levels, {title: level for (page, title), level in outline.items() if page == index})


def _pitch(pages: Sequence[Sequence[Row]]) -> float:
    """The distance between most lines, in heights of a line."""
    found = Counter(
        round((above.base - row.base) / above.size, 1)
        for rows in pages
        for above, row in pairwise(rows)
        if above.column == row.column and _rounded(above.size) == _rounded(row.size) and not row.bullet
    )
    usual = [(count, -pitch) for pitch, count in found.items() if PITCHES[0] <= pitch <= PITCHES[1]]
    return -max(usual)[1] if usual else 1.1


def _add(
    builder: TextBuilder, rows: Sequence[Row], pitch: float, levels: Mapping[float, int], outline: Mapping[str, int]
) -> None:
    begun = {table.start: table for table in tables(rows)}
    paragraph: list[Row] = []
    index = 0
    while index < len(rows):
        row = rows[index]
        if table := begun.get(index):
            _flush(builder, paragraph, levels, outline)
            builder.table([_plain(cell) for cell in cells] for cells in table.cells)
            index = table.end
            continue
        if paragraph and (_is_outside(paragraph[0], row) or not _goes_on(paragraph[-1], row, pitch)):
            _flush(builder, paragraph, levels, outline)
        paragraph.append(row)
        index += 1
    _flush(builder, paragraph, levels, outline)
    builder.end_list()


def _is_outside(first: Row, row: Row) -> bool:
    """Whether it begins further left than the item does."""
    if first.bullet is None:
        return False
    return row.left < (first.bullet.left if first.bullet.sign else first.left) - ALIGNED


def _goes_on(above: Row, row: Row, pitch: float) -> bool:
    if above.column != row.column or _rounded(above.size) != _rounded(row.size) or row.bullet:
        return False
    return 0 <= above.base - row.base <= pitch * max(above.size, row.size)


def _flush(builder: TextBuilder, rows: list[Row], levels: Mapping[float, int], outline: Mapping[str, int]) -> None:
    """Add these as one paragraph, item or heading; there are none then."""
    text = ""
    for row in rows:
        text = _continued(text, one_line(row.text))
    text = _plain(text)
    size, bullet = (_size(rows[0]), rows[0].bullet) if rows else (0.0, None)
    rows.clear()
    if not text:
        return
    title = f"{bullet.sign} {text}" if bullet and bullet.number is not None else text
    by_size = None if bullet and bullet.number is None else levels.get(size)
    level = outline.get(title.casefold()) or outline.get(text.casefold()) or by_size
    if level is not None and len(text) <= LONGEST_HEADING and any(map(str.isalnum, text)):
        start, end = builder.paragraph(title)
        builder.note_heading(level, start, end)
    elif bullet:
        builder.item(text, bullet.depth, bullet.number)
    else:
        builder.end_list()
        builder.paragraph(text)


def _continued(text: str, line: str) -> str:
    """A line behind those before it; a word that was hyphenated between them is whole again."""
    if text.endswith("\u00ad"):
        return text[:-1] + line
    if re.search(r"[^\W\d_]-$", text) and re.match(r"[^\W\d_]", line) and line[0].islower():
        return text[:-1] + line
    return f"{text} {line}" if text else line


def _plain(text: str) -> str:
    return one_line(text.replace("\u00ad", "-"))


def _repeated(pages: Sequence[Sequence[Row]], pitch: float) -> frozenset[str]:
    filled = [rows for rows in pages if rows]
    if len(filled) < REPEATED_PAGES:
        return frozenset()
    counts = Counter(pattern for rows in filled for pattern in {_pattern(row) for row in _edges(rows, pitch)})
    return frozenset(
        pattern for pattern, count in counts.items() if 2 * count > len(filled) and count >= REPEATED_PAGES
    )


def _edges(rows: Sequence[Row], pitch: float) -> list[Row]:
    """The first and the last row of a page, each where it stands apart from its neighbour."""
    if len(rows) < 2:
        return []
    pairs = ((rows[0], rows[1]), (rows[-1], rows[-2]))
    return [row for row, beside in pairs if abs(row.base - beside.base) > pitch * max(row.size, beside.size)]


def _pattern(row: Row) -> str:
    return _NUMBER.sub("#", one_line(row.text))


def _size(row: Row) -> float:
    """0 for what is written aslant (watermarks): the box of its characters says nothing of their size."""
    return _rounded(row.size) if row.pieces[0].angle % 90 == 0 else 0.0


def _rounded(size: float) -> float:
    return round(2 * size) / 2
