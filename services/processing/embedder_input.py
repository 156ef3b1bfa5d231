"""What the embedder reads of a chunk: its document's title, what stands over it in the text, and its own text."""

from collections.abc import Mapping
from typing import Any

from contracts.documents import Chunk
from contracts.structure import structure_of
from inference.chunk_context import ChunkContexts
from inference.model import digest_of


class EmbedderInputs:
    """Of the chunks of one text. `attributes`: the document's, which say where its headings are."""

    def __init__(self, title: str, text: str, attributes: Mapping[str, Any]) -> None:
        self._title = title
        self._text = text
        self._contexts = ChunkContexts(text, structure_of(attributes).headings)

    def of(self, start: int, end: int) -> str:
        """Of `text[start:end]`."""
        context = self._contexts.of(start, title=self._title)
        text = self._text[start:end]
        return embedder_input(self._title, f"{context}\n{text}" if context else text)

    def of_chunk(self, chunk: Chunk) -> str:
        """Of a chunk that has a vector: what it is of. Before there were contexts it was of title and text alone."""
        read = self.of(chunk.start, chunk.end)
        if digest_of(read) == chunk.input_digest:
            return read
        return embedder_input(self._title, self._text[chunk.start : chunk.end])


def embedder_input(title: str, text: str) -> str:
    """Of a text over which nothing stands: the title tells what it is about when its own words do not."""
    return f"{title}\n{text}"
