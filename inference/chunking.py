"""Cutting a text into chunks: whole sentences, a token budget, an overlap, and exact spans."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from inference.blocks import Headings

Span = tuple[int, int]
"""`text[start:end]`."""
Offsets = list[Span]
Tokenize = Callable[[str], Offsets]
"""Text to the (start, end) characters of its tokens, in order."""

# A sentence ends at . ! or ? (with closing quotes), before white space and something that may begin one; or at a
# blank line. Initials and common abbreviations do not end it. What begins one has no lower case: a capital of Latin,
# Greek, Cyrillic or Armenian, or a letter of a script without case.
_BEGINS = (
    "A-Z0-9\u00c0-\u024f\u0386-\u03ab\u0400-\u042f\u0460\u0490\u0531-\u0556\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3"
    "\u0710-\u07ea\u0900-\u0dff\u0e01-\u0fff\u1000-\u109f\u10d0-\u17ff\u3040-\u9fff\uac00-\ud7a3"
)
# Marks that end one whatever follows: of Chinese and Japanese (with their closing brackets); with white space behind
# them those of Arabic and Urdu, of Indic scripts, of Burmese, Khmer, Ethiopic, Tibetan and Armenian.
_END = re.compile(
    rf"(?<=[.!?])[\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[\u00ab\u00bf\u00a1]?[{_BEGINS}])"
    r"|\n\s*\n+"
    r"|(?<=[\u3002\uff01\uff1f\uff61])(?![\u3002\uff01\uff1f\uff61\u300d\u300f\u201d\u2019\uff09\u3011\u300b])"
    r"|(?<=[\u3002\uff01\uff1f\uff61])[\u300d\u300f\u201d\u2019\uff09\u3011\u300b]+"
    r"|(?<=[\u061f\u06d4\u0964\u0965\u104b\u17d4\u1362\u1367\u0f0d\u0589])[\"'\u201d\u2019)\]\u00bb]*\s+"
)
_NO_END = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Mt|Jr|Sr|vs|etc|e\.g|i\.e|No|Nos|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Inc|Ltd|Co|Corp|c|ca|fl|approx)\.)$"
)
CHARACTERS_A_TOKEN = 16
"""No token budget, nor overlap, allows more characters than this times its tokens: a long word may be one token."""


@dataclass(frozen=True, slots=True)
class ChunkSpan:
    """`text[start:end]`, and how many tokens of the whole text lie in it."""

    start: int
    end: int
    tokens: int


class Chunker:
    """By sentences. Default budget: 200 tokens, so that chunk and title fit into MiniLM's 256, with 40 of overlap."""

    name = "sentences-2"
    """Strategy and version: another version where other spans come of the same text."""

    def __init__(self, tokenize: Tokenize, tokenizer: str, *, max_tokens: int = 200, overlap_tokens: int = 40) -> None:
        if not 0 <= overlap_tokens < max_tokens:
            raise ValueError("the overlap must be smaller than the budget")
        self._tokenize = tokenize
        self._max = max_tokens
        self._max_characters = max_tokens * CHARACTERS_A_TOKEN
        self._overlap = overlap_tokens
        self.revision = f"{self.name}/{max_tokens}/{overlap_tokens}/{tokenizer}"

    def split(self, text: str, headings: Headings = ()) -> list[ChunkSpan]:
        """Chunks in order; every character that is not white space lies in at least one.

        `headings`: of the text, where more are known than it shows.
        """
        starts = [start for start, end in self._tokenize(text) if end > start]
        spans = self._spans(text, starts, headings)
        return [ChunkSpan(start, end, _count(starts, start, end)) for start, end in spans]

    def _spans(self, text: str, starts: list[int], _: Headings) -> Iterator[Span]:
        return self._pack(text, self._sentences(text, 0, len(text), starts), starts)

    def _sentences(self, text: str, start: int, end: int, starts: list[int]) -> list[Span]:
        """Of a part of the text, those over the budget in pieces."""
        return [
            piece
            for first, last in sentences(text[start:end])
            for piece in self._pieces(text, start + first, start + last, starts)
        ]

    def _pieces(self, text: str, start: int, end: int, starts: list[int]) -> Iterator[Span]:
        """A sentence, or parts of one that is over the budget: cut between words, or between tokens, or anywhere."""
        while not self._fits(start, end, starts):
            limit = min(end, start + self._max_characters)
            first = bisect_left(starts, start)
            if first + self._max < len(starts):
                limit = min(limit, starts[first + self._max])
            limit = max(limit, start + 1)
            space = next((at for at in range(limit, start, -1) if text[at - 1].isspace()), None)
            cut = space if space is not None else limit
            if text[start:cut].strip():
                yield _stripped(text, start, cut)
            start = cut
            while start < end and text[start].isspace():
                start += 1
        if text[start:end].strip():
            yield _stripped(text, start, end)

    def _pack(self, text: str, pieces: list[Span], starts: list[int]) -> Iterator[Span]:
        several = bool(pieces) and not self._fits(pieces[0][0], pieces[-1][1], starts)
        likeness = self._likeness(text, pieces) if several else ()
        first = number = least = 0
        while first < len(pieces):
            number = max(first, number)
            while number + 1 < len(pieces) and self._fits(pieces[first][0], pieces[number + 1][1], starts):
                number += 1
            if number + 1 < len(pieces):
                # Past the end of the chunk before, whatever is overlapped.
                number = max(least, self._cut(pieces, first, number, likeness))
                least = number + 1
            yield pieces[first][0], pieces[number][1]
            if number + 1 == len(pieces):
                return
            # The next chunk begins with the last pieces of this one, as many as the overlap holds.
            following = number + 1
            while (
                following - 1 > first
                and pieces[number][1] - pieces[following - 1][0] <= self._overlap * CHARACTERS_A_TOKEN
                and _count(starts, pieces[following - 1][0], pieces[number][1]) <= self._overlap
                and self._fits(pieces[following - 1][0], pieces[number + 1][1], starts)
            ):
                following -= 1
            first = following

    def _likeness(self, text: str, pieces: list[Span]) -> Sequence[float]:
        """How alike each piece and the next one are, where that tells where to cut."""
        return ()

    def _cut(self, pieces: list[Span], first: int, last: int, likeness: Sequence[float]) -> int:
        """The last piece of a chunk that begins with `first` and could go on to `last`, behind which there is more."""
        return last

    def _fits(self, start: int, end: int, starts: list[int]) -> bool:
        return end - start <= self._max_characters and _count(starts, start, end) <= self._max


def sentences(text: str) -> Iterator[Span]:
    """Spans of the sentences, without surrounding white space."""
    start = 0
    for match in _END.finditer(text):
        if match[0].count("\n") < 2 and _NO_END.search(text, max(0, match.start() - 12), match.start()):
            continue
        if text[start : match.end()].strip():
            yield _stripped(text, start, match.end())
        start = match.end()
    if text[start:].strip():
        yield _stripped(text, start, len(text))


def _stripped(text: str, start: int, end: int) -> Span:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())


def _count(starts: list[int], start: int, end: int) -> int:
    return bisect_left(starts, end) - bisect_left(starts, start)
