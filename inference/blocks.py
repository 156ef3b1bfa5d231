"""The structure of a text as Markdown writes it: sections under headings, and in them lists, tables and code.

Read line by line, in time that grows with the text alone. Readers of files write what they found as Markdown; headings
that only they know come as spans.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "paragraphs", "list", "table", "code"]
Headings = Iterable[tuple[int, int, int]]
"""(level, start, end) of each, in characters of the text."""

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+\S")
_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_DELIMITERS = frozenset("|-: \t\r\n")


@dataclass(frozen=True, slots=True)
class Block:
    """`text[start:end]`: a heading of a level from 1, or whole lines of one kind.

    `parts` are where its parts begin: items of a list, rows of a table (the first with the header), lines of code.
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Headings one after another and what stands under them; `level` of the first, 0 where there is none."""

    level: int
    blocks: tuple[Block, ...]

    @property
    def start(self) -> int:
        """Where its first block begins."""
        return self.blocks[0].start

    @property
    def end(self) -> int:
        """Where its last block ends."""
        return self.blocks[-1].end


def sections_of(text: str, headings: Headings = ()) -> list[Section]:
    """In order; their blocks cover the text. Without any structure one section of paragraphs, of no text none."""
    found: list[Section] = []
    blocks: list[Block] = []
    for block in blocks_of(text, headings):
        if block.kind == "heading" and blocks and blocks[-1].kind != "heading":
            found.append(Section(blocks[0].level, tuple(blocks)))
            blocks = []
        blocks.append(block)
    return [*found, Section(blocks[0].level, tuple(blocks))] if blocks else found


def blocks_of(text: str, headings: Headings = ()) -> Iterator[Block]:
    """In order, without gaps."""
    starts = _line_starts(text)
    levels: dict[int, int] = {}
    for level, start, _ in headings:
        if 0 <= start < len(text):
            levels.setdefault(bisect_right(starts, start) - 1, max(1, level))
    lines = _Lines(text, starts, levels)
    at = first = 0
    while at < len(lines):
        block = lines.structured(at)
        if block is None:
            at += 1
            continue
        if first < at:
            yield Block("paragraphs", starts[first], starts[at])
        yield block
        at = first = bisect_right(starts, block.end - 1)
    if first < len(lines):
        yield Block("paragraphs", starts[first], len(text))


class _Lines:
    """The lines of a text by their number, and what begins at one."""

    def __init__(self, text: str, starts: list[int], levels: dict[int, int]) -> None:
        self._text, self._starts, self._levels = text, starts, levels

    def __len__(self) -> int:
        return len(self._starts)

    def _line(self, number: int) -> str:
        return self._text[self._starts[number] : self._end(number)]

    def _end(self, number: int) -> int:
        return self._starts[number + 1] if number + 1 < len(self) else len(self._text)

    def structured(self, at: int) -> Block | None:
        """What begins with this line, if it is no paragraph."""
        line = self._line(at)
        heading = _HEADING.match(line)
        if heading or at in self._levels:
            level = self._levels.get(at) or (len(heading[1]) if heading else 1)
            return Block("heading", self._starts[at], self._end(at), level)
        fence = _FENCE.match(line)
        if fence:
            return self._code(at, fence[1])
        if "|" in line and at + 1 < len(self) and _delimits(self._line(at + 1)):
            return self._table(at)
        return self._list(at) if _ITEM.match(line) else None

    def _code(self, at: int, fence: str) -> Block:
        last = at + 1
        while last < len(self) and not self._line(last).strip().startswith(fence):
            last += 1
        last = min(last, len(self) - 1)
        return Block("code", self._starts[at], self._end(last), parts=tuple(self._starts[at : last + 1]))

    def _table(self, at: int) -> Block:
        last = at + 1
        while last + 1 < len(self) and "|" in self._line(last + 1) and last + 1 not in self._levels:
            last += 1
        rows = (self._starts[at], *self._starts[at + 3 : last + 1])
        return Block("table", self._starts[at], self._end(last), parts=rows)

    def _list(self, at: int) -> Block | None:
        """Of two items at least, so that no wrapped line of a paragraph is taken for one."""
        items, last = [at], at
        for number in range(at + 1, len(self)):
            line = self._line(number)
            if not line.strip():
                continue
            if number in self._levels or _FENCE.match(line) or _HEADING.match(line):
                break
            if _ITEM.match(line):
                items.append(number)
            elif not line[0].isspace() and last + 1 < number:
                break
            last = number
        if len(items) < 2:
            return None
        return Block("list", self._starts[at], self._end(last), parts=tuple(self._starts[one] for one in items))


def _delimits(line: str) -> bool:
    """Whether this line stands between the header and the rows of a table."""
    return "-" in line and "|" in line and _DELIMITERS.issuperset(line)


def _line_starts(text: str) -> list[int]:
    return [0, *(found.end() for found in re.finditer("\r\n|\n|\r", text) if found.end() < len(text))] if text else []
