"""What stands over a chunk in its text and is not in it: the headings that it stands under, the header of its table.

The embedder reads it before the chunk; the chunk's span is what it is without.
"""

from bisect import bisect_right

from inference.blocks import Block, Headings, blocks_of

MOST_PATH, MOST_HEADER = 256, 512
"""Characters of each. Of longer headings the deepest are kept, of a longer header its begin."""


class ChunkContexts:
    """Of the chunks of one text. `headings`: of the text, where more are known than it shows."""

    def __init__(self, text: str, headings: Headings = ()) -> None:
        self._text = text
        self._blocks = list(blocks_of(text, headings))
        self._starts = [block.start for block in self._blocks]
        self._over: list[tuple[Block, ...]] = []
        path: list[Block] = []
        for block in self._blocks:
            if block.kind == "heading":
                while path and path[-1].level >= block.level:
                    path.pop()
            self._over.append(tuple(path))
            if block.kind == "heading":
                path.append(block)

    def of(self, start: int, *, title: str = "") -> str:
        """Of the chunk that begins at `start`: its headings in one line, its table's header in one; "" without either.

        A heading that says the same as the document's title is left out.
        """
        at = bisect_right(self._starts, start) - 1
        if at < 0:
            return ""
        own = " ".join(title.split())
        path = [said for block in self._over[at] if (said := self._said(block)) not in ("", own)]
        while len(path) > 1 and len(" > ".join(path)) > MOST_PATH:
            del path[0]
        return "\n".join(filter(None, (" > ".join(path)[:MOST_PATH], self._header(self._blocks[at], start))))

    def _said(self, heading: Block) -> str:
        return " ".join(self._text[heading.start : heading.end].strip(" #\t\r\n").split())

    def _header(self, block: Block, start: int) -> str:
        """Of a table that the chunk begins within."""
        if block.kind != "table":
            return ""
        line = self._text[block.start : block.end].split("\n", 1)[0]
        return line.strip()[:MOST_HEADER] if start >= block.start + len(line) else ""
