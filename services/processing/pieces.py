"""The chunks of several documents with their texts, in groups of bounded size: what a stage works on at once."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aggregates.document import Document
from contracts.batches import batches
from contracts.documents import Chunk
from eventstore.texts import TextStore

GROUP_BYTES = 128 * 1024
"""Characters of chunks that are worked on together; what models say of them may take many times as much."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk of the document with this index within its batch."""

    index: int
    document: Document
    chunk: Chunk
    text: str


async def groups_of_pieces(texts: TextStore, batch: Sequence[Document]) -> AsyncIterator[list[Piece]]:
    """Every chunk of every document, in order, in groups of at most GROUP_BYTES characters or a single chunk.

    Only called for documents that were chunked.
    """
    found = await texts.get_many([_key(document) for document in batch])
    for group in batches(_pieces(batch, found), lambda piece: len(piece.text), max_bytes=GROUP_BYTES):
        yield group


def _pieces(batch: Sequence[Document], texts: Mapping[tuple[str, str, str], str]) -> Iterator[Piece]:
    for index, document in enumerate(batch):
        assert document.chunked is not None
        text = texts[_key(document)]
        for chunk in document.chunked.chunks:
            yield Piece(index, document, chunk, text[chunk.start : chunk.end])


def _key(document: Document) -> tuple[str, str, str]:
    return document.tenant, document.document_id, document.text.digest
