"""Building a document's text piece by piece, with the offsets of its headings and pages.

The text is Markdown as far as structure is concerned: headings with `#`, lists with `-`, tables with `|`, so that one
reader of structure serves all formats.
"""

import re
from collections.abc import Iterable, Sequence

from inference.formats.document import MAX_CHARACTERS, MAX_HEADINGS, MAX_PAGES, Heading
from inference.formats.errors import UnreadableFileError

_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"[ \t\r\n\f\v\u00a0\u2028\u2029]+")


def clean(text: str) -> str:
    """Without control characters but tab and line ends; what is no character becomes U+FFFD."""
    return _SURROGATES.sub("\ufffd", _UNWANTED.sub("", text))


def one_line(text: str) -> str:
    """White space of any kind as one space, none at the ends."""
    return _SPACES.sub(" ", clean(text)).strip()


class TextBuilder:
    """A text that grows; what is added is cleaned before offsets are taken.

    Every method raises UnreadableFileError where the text has more than MAX_CHARACTERS.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._is_open = False
        self._headings: list[Heading] = []
        self._pages: list[int] = []

    def heading(self, level: int, text: str) -> None:
        """A heading on a line of its own, with one `#` for each level."""
        text = one_line(text)
        if text:
            level = max(1, min(level, 6))
            start = self._block("#" * level + " " + text) + level + 1
            self.note_heading(level, start, start + len(text))

    def note_heading(self, level: int, start: int, end: int) -> None:
        """What was added already from `start` to `end` is a heading."""
        if len(self._headings) < MAX_HEADINGS:
            self._headings.append(Heading(max(1, min(level, 6)), start, end))

    def paragraph(self, text: str) -> tuple[int, int]:
        """A paragraph in one line; where it begins and ends."""
        text = one_line(text)
        start = self._block(text)
        return start, start + len(text)

    def item(self, text: str, depth: int = 0, number: int | None = None) -> None:
        """An item of a list, in a line right behind the one before; numbered where it has a number."""
        text = one_line(text)
        if text:
            sign = "-" if number is None else f"{number}."
            self._line("  " * min(depth, 8) + f"{sign} {text}")

    def end_list(self) -> None:
        """What comes next is no item of the same list."""
        self._gap()

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """A table whose first row is its header. Empty rows are left out."""
        first = True
        for row in rows:
            cells = [one_line(cell).replace("|", "\\|") for cell in row]
            if not any(cells):
                continue
            if first:
                self._gap()
            self._line("| " + " | ".join(cells) + " |")
            if first:
                self._line("|" + " --- |" * len(cells))
                first = False
        self._gap()

    def verbatim(self, text: str) -> int:
        """Lines as they are (code, quoted mail, subtitles); where they begin."""
        return self._block(clean(text).replace("\r\n", "\n").replace("\r", "\n").strip("\n"))

    def page(self) -> None:
        """A page begins with what is added next."""
        self._gap()
        if len(self._pages) < MAX_PAGES:
            self._pages.append(self._length)

    @property
    def text(self) -> str:
        """All of it so far."""
        return "".join(self._parts).rstrip("\n") + "\n" if self._length else ""

    @property
    def headings(self) -> tuple[Heading, ...]:
        """In the order of the text."""
        return tuple(self._headings)

    @property
    def pages(self) -> tuple[int, ...]:
        """Where each page begins. A page at the end without text begins where the text ends."""
        return tuple(min(start, len(self.text)) for start in self._pages)

    def _block(self, text: str) -> int:
        if not text:
            return self._length
        self._gap()
        start = self._length
        self._add(text + "\n\n")
        return start

    def _line(self, text: str) -> None:
        self._add(text + "\n")
        self._is_open = True

    def _gap(self) -> None:
        """An empty line behind a line that has none yet."""
        if self._is_open:
            self._add("\n")
            self._is_open = False

    def _add(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_CHARACTERS:
            raise UnreadableFileError(f"holds more than {MAX_CHARACTERS:,} characters of text; split it")
        self._parts.append(text)
