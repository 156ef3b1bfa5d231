"""Where a text is cut, by strategies with names: by sentences alone, by structure first, or by meaning besides."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Literal

from inference.blocks import Block, Headings, Section, sections_of
from inference.chunking import Chunker, Span, Tokenize
from inference.embedding import Vectors

Strategy = Literal["structure", "meaning", "sentences"]
EMBEDDED = 64
"""Sentences that are embedded at once."""
ATOMIC = frozenset({"list", "table", "code"})
"""Kinds that are kept whole where they fit into a chunk."""


@dataclass(frozen=True, slots=True)
class SentenceModel:
    """What says how alike sentences are: `embed` gives vectors of length 1, shape (texts, dimension)."""

    revision: str
    embed: Callable[[Sequence[str]], Vectors]


class StructureChunker(Chunker):
    """A chunk holds whole sections of one parent, or a part of one section. Lists, tables and code are whole where they
    fit, else cut between items, rows and lines. A text without structure is cut by its sentences.

    A chunk is a stretch of the text, so that a table that is over the budget has its header in the first chunk alone;
    the embedder reads it with the others, too (`inference.chunk_context`).
    """

    name = "structure-1"

    def _spans(self, text: str, starts: list[int], headings: Headings) -> Iterator[Span]:
        sections = sections_of(text, headings)
        if all(block.kind == "paragraphs" for section in sections for block in section.blocks):
            return super()._spans(text, starts, headings)
        return self._structured(text, starts, sections)

    def _structured(self, text: str, starts: list[int], sections: Sequence[Section]) -> Iterator[Span]:
        for group in self._groups(sections, starts):
            blocks = (block for section in group for block in section.blocks)
            yield from self._pack(text, [piece for block in blocks for piece in self._of(text, block, starts)], starts)

    def _groups(self, sections: Sequence[Section], starts: list[int]) -> Iterator[list[Section]]:
        """Sections that are one chunk together, else one by itself."""
        group: list[Section] = []
        for section in sections:
            if group and (section.level < group[0].level or not self._fits(group[0].start, section.end, starts)):
                yield group
                group = []
            group.append(section)
        if group:
            yield group

    def _of(self, text: str, block: Block, starts: list[int]) -> Iterator[Span]:
        if block.kind == "paragraphs":
            yield from self._sentences(text, block.start, block.end, starts)
        elif block.kind not in ATOMIC or self._fits(block.start, block.end, starts):
            yield from self._pieces(text, block.start, block.end, starts)
        else:
            for start, end in pairwise((*block.parts, block.end)):
                yield from self._pieces(text, start, end, starts)


class MeaningChunker(StructureChunker):
    """As `StructureChunker`; a full chunk ends, in its second half, where neighbouring sentences are least alike."""

    name = "meaning-1"

    def __init__(
        self, tokenize: Tokenize, tokenizer: str, model: SentenceModel, *, max_tokens: int, overlap_tokens: int
    ) -> None:
        super().__init__(tokenize, tokenizer, max_tokens=max_tokens, overlap_tokens=overlap_tokens)
        self._model = model
        self.revision = f"{self.revision}/{sha256(model.revision.encode()).hexdigest()[:16]}"

    def _likeness(self, text: str, pieces: list[Span]) -> Sequence[float]:
        vectors = [
            vector
            for at in range(0, len(pieces), EMBEDDED)
            for vector in self._model.embed([text[start:end] for start, end in pieces[at : at + EMBEDDED]])
        ]
        return [float(one @ following) for one, following in pairwise(vectors)]

    def _cut(self, pieces: list[Span], first: int, last: int, likeness: Sequence[float]) -> int:
        half = (pieces[first][0] + pieces[last][1]) // 2
        earliest = next((number for number in range(first, last) if pieces[number][1] > half), last)
        # In a tie the fuller chunk.
        return min(range(earliest, last + 1), key=lambda number: (likeness[number], -number))


def chunker_of(
    strategy: Strategy,
    tokenize: Tokenize,
    tokenizer: str,
    model: SentenceModel,
    *,
    max_tokens: int,
    overlap_tokens: int,
) -> Chunker:
    """The strategy of this name; `model` is for `meaning` alone."""
    if strategy == "meaning":
        return MeaningChunker(tokenize, tokenizer, model, max_tokens=max_tokens, overlap_tokens=overlap_tokens)
    made = StructureChunker if strategy == "structure" else Chunker
    return made(tokenize, tokenizer, max_tokens=max_tokens, overlap_tokens=overlap_tokens)
