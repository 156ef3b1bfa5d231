"""Chunks that people give other bounds: made from the text, with their vector; and found again in other content."""

import asyncio
from collections.abc import Collection, Sequence

from aggregates.document import Document
from aggregates.remembered import CorrectedChunk
from contracts import ids
from contracts.documents import MOST_MERGED, Chunk, ChunkMerged, ChunkUpdated, rechunked
from eventstore.errors import MissingTextError
from eventstore.texts import TextStore
from inference.model import digest_of
from inference.runner import Inference
from services.processing.embedder_input import EmbedderInputs
from services.processing.present_embedder import WhichEmbedder


class Recutting:
    """Vectors go to the model outputs; a chunk whose text and title were embedded before needs no model.

    Raises StoreUnavailableError, MissingTextError, InferenceError.
    """

    def __init__(self, texts: TextStore, inference: Inference, which: WhichEmbedder | None = None) -> None:
        """`inference` keeps what it makes; `which`: None where no embedder takes over from it."""
        self._texts = texts
        self._inference = inference
        self._which = which
        self._known = False
        self._revision: str | None = None

    async def load(self) -> None:
        """Have the embedder that serves; to be called before a chunk is decided on."""
        if self._which is not None:
            present = await self._which.registered()
            self._known = present.revision is not None
            await self._inference.serve(present.name)
        self._revision = await asyncio.to_thread(lambda: self._inference.embedder.revision)

    def fits(self, document: Document) -> bool:
        """Whether a search would find the vectors that are made: of whatever document where it is known whose vectors
        are stored, else of one that the same embedder embedded.
        """
        return self._known or document.chunked is None or document.chunked.embedder == self._revision

    async def text(self, document: Document, digest: str | None = None) -> str:
        """The document's present text, or an earlier one."""
        key = (document.tenant, document.document_id, digest or document.text.digest)
        return (await self._texts.get_many([key]))[key]

    async def chunk(
        self, document: Document, text: str, span: tuple[int, int], index: int, taken: Collection[str]
    ) -> Chunk:
        """`text[start:end]` as a chunk, under an id that is none of those `taken`."""
        start, end = span
        content = text[start:end]
        digest, occurrence = digest_of(content), 0
        while (own := ids.chunk_id(document.tenant, document.document_id, digest, occurrence)) in taken:
            occurrence += 1
        read = (await _inputs(document, text)).of(start, end)
        await self._inference.embedder.outputs([read])
        return Chunk(
            chunk_id=own,
            index=index,
            start=start,
            end=end,
            tokens=await self._inference.tokens(content),
            digest=digest,
            input_digest=digest_of(read),
        )

    async def again(self, document: Document) -> tuple[ChunkUpdated | ChunkMerged, ...]:
        """The corrections that wait and that the present content has again, each of what those before it left."""
        waiting = [one for one in document.recuts if not one.attached]
        if not waiting or document.chunked is None:
            return ()
        text, chunks = await self.text(document), document.chunked.chunks
        inputs = await _inputs(document, text)
        changes: list[ChunkUpdated | ChunkMerged] = []
        # Those of one content follow one another: its text is read once.
        earlier: tuple[str, str | None] = (document.text.digest, text)
        for one in waiting:
            if (found := _in_place(one, chunks, text)) is None:
                if one.content != earlier[0]:
                    earlier = one.content, await self._earlier(document, one.content)
                found = _by_text(one, chunks, text, earlier[1])
            if found is None:
                continue
            gone, start = found
            if one.chunk.chunk_id in {chunk.chunk_id for chunk in chunks} - set(gone):
                continue
            change = _change(document, one, gone, start, inputs)
            chunks = rechunked(chunks, change)
            changes.append(change)
        await self._inference.embedder.outputs([inputs.of(one.chunk.start, one.chunk.end) for one in changes])
        return tuple(changes)

    async def _earlier(self, document: Document, digest: str) -> str | None:
        """The text of earlier content; None where it is not kept any more."""
        try:
            return await self.text(document, digest)
        except MissingTextError:
            return None


async def _inputs(document: Document, text: str) -> EmbedderInputs:
    return await asyncio.to_thread(EmbedderInputs, document.title, text, document.attributes)


Found = tuple[tuple[str, ...], int]
"""Ids of the chunks that the corrected one replaces, and where it starts."""


def _in_place(one: CorrectedChunk, chunks: Sequence[Chunk], text: str) -> Found | None:
    """Where the chunks that it replaced are there again, as far from each other as they were."""
    there = {chunk.chunk_id: chunk for chunk in chunks}
    shifts = {there[old.chunk_id].start - old.start if old.chunk_id in there else None for old in one.gone}
    shift = shifts.pop() if len(shifts) == 1 else None
    if shift is None:
        return None
    start, end = one.chunk.start + shift, one.chunk.end + shift
    if start < 0 or digest_of(text[start:end]) != one.chunk.digest:
        return None
    return tuple(old.chunk_id for old in one.gone), start


def _by_text(one: CorrectedChunk, chunks: Sequence[Chunk], text: str, earlier: str | None) -> Found | None:
    """Where the chunk's text of the `earlier` content is there again, and chunks lie within it."""
    said = (earlier or "")[one.chunk.start : one.chunk.end]
    start = text.find(said) if said else -1
    if start < 0:
        return None
    end = start + len(said)
    within = tuple(chunk.chunk_id for chunk in chunks if start <= chunk.start and chunk.end <= end)
    return (within, start) if 1 <= len(within) <= MOST_MERGED else None


def _change(
    document: Document, one: CorrectedChunk, gone: tuple[str, ...], start: int, inputs: EmbedderInputs
) -> ChunkUpdated | ChunkMerged:
    end = start + one.chunk.end - one.chunk.start
    read = inputs.of(start, end)
    chunk = one.chunk.model_copy(update={"start": start, "end": end, "input_digest": digest_of(read)})
    content, reason = document.text.digest, one.reason
    if len(gone) == 1:
        return ChunkUpdated(content=content, replaced=gone[0], chunk=chunk, reason=reason)
    return ChunkMerged(content=content, merged=gone, chunk=chunk, reason=reason)
