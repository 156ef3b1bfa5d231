"""Chunks: given other bounds, merged, and both undone. A new chunk is embedded at once, then it is found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from aggregates import document_corrections as corrections
from aggregates.cause import RefusedError
from aggregates.document import Document
from aggregates.remembered import CorrectedChunk
from contracts.documents import MOST_MERGED, Chunk
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.text import is_blank
from eventstore.commands import Command, Commands
from eventstore.errors import MissingTextError
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.vector.reads import PassageReader
from services.caller import Caller
from services.corrections.deciding import (
    Corrected,
    OrphanPage,
    check_right,
    corrected_documents,
    orphan_page,
    outcome,
    unknown,
)
from services.deadline import Deadline
from services.errors import InvalidRequestError
from services.processing.recutting import Recutting
from services.reasons import reason_of_caller

MOST_CHARACTERS = 50_000
"""Of a chunk that people make: a full-text index takes no more than 1 MiB of words, and no model reads so much."""
CORRECTED = (EventType.CHUNK_UPDATED, EventType.CHUNK_MERGED)


@dataclass(frozen=True, slots=True)
class OrphanedChunk:
    """A correction of chunks that its document's present content does not have; found again, it holds again."""

    document_id: str
    correction: CorrectedChunk

    def told(self) -> dict[str, Any]:
        """As edges show it."""
        return {
            "document_id": self.document_id,
            "chunk_id": self.correction.chunk.chunk_id,
            "replaced": [gone.chunk_id for gone in self.correction.gone],
            "reason": self.correction.reason,
        }


class CorrectChunks:
    """Decisions of people, which outlive the content that they were made in.

    Raises AccessDeniedError, NotFoundError, InvalidRequestError, RefusedError, ConflictError, InferenceError,
    StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(self, commands: Commands, reader: EventReader, passages: PassageReader, recutting: Recutting) -> None:
        self._commands = commands
        self._reader = reader
        self._passages = passages
        self._recutting = recutting

    async def update(
        self,
        caller: Caller,
        chunk_id: str,
        *,
        start: int,
        end: int,
        reason: str | None = None,
        deadline: Deadline,
    ) -> Corrected:
        """Give a chunk other bounds: characters of its document's text, `text[start:end]`."""
        caller.require("chunks", "write")
        why = reason_of_caller(reason)
        async with deadline.enforce("correcting a chunk"):
            document = await self._document(caller, [chunk_id])
            (gone,) = _there(document, [chunk_id])
            chunk = await self._made(document, (gone,), (start, end))
            cause = caller.cause(f"chunk-{chunk_id}")
            return await self._decide(
                caller, document, chunk, lambda now: corrections.update_chunk(now, chunk_id, chunk, cause, why)
            )

    async def merge(
        self, caller: Caller, chunk_ids: Sequence[str], *, reason: str | None = None, deadline: Deadline
    ) -> Corrected:
        """Make one chunk of several of the same document: from where the first begins to where the last ends."""
        caller.require("chunks", "write")
        why = reason_of_caller(reason)
        if not 2 <= len(set(chunk_ids)) == len(chunk_ids) <= MOST_MERGED:
            raise InvalidRequestError(f"name 2 to {MOST_MERGED} chunks, each once; give other ids")
        async with deadline.enforce("merging chunks"):
            document = await self._document(caller, chunk_ids)
            gone = _there(document, chunk_ids)
            _check_adjacent(document, gone)
            span = min(one.start for one in gone), max(one.end for one in gone)
            chunk = await self._made(document, gone, span)
            merged, cause = tuple(one.chunk_id for one in gone), caller.cause(f"chunk-{chunk_ids[0]}")
            return await self._decide(
                caller, document, chunk, lambda now: corrections.merge_chunks(now, merged, chunk, cause, why)
            )

    async def undo(
        self,
        caller: Caller,
        chunk_id: str,
        *,
        reason: str | None = None,
        undone: UUID | None = None,
        deadline: Deadline,
    ) -> Corrected:
        """Undo the correction that made this chunk, also one that waits for its text to come back.

        `undone`: its event, where that is known.
        """
        caller.require("chunks", "write")
        why = reason_of_caller(reason)
        async with deadline.enforce("undoing a correction of chunks"):
            key = await self._document_of(caller, chunk_id)
            if key is None:
                waiting = await self._orphaned(caller, chunk_id)
                orphaned = [one for one in waiting if one.correction.chunk.chunk_id == chunk_id]
                if not orphaned:
                    raise unknown(f"chunk {chunk_id!r}")
                key = AggregateKey(caller.tenant, "document", orphaned[0].document_id)
            cause = replace(caller.cause(f"chunk-{chunk_id}"), causation_id=undone)
            # Deciding goes on in the event loop, where no model may be loaded.
            await self._recutting.load()

            def decide(now: Document | None) -> Sequence[DomainEvent]:
                document = check_right(caller, "chunks", f"chunk {chunk_id!r}", now)
                self._check_embedder(document)
                return corrections.restore_chunks(document, chunk_id, cause, why)

            events = await self._commands.execute(Command(key, Document.project, decide))
        return outcome(chunk_id, key.aggregate_id, events)

    async def orphaned(
        self, caller: Caller, *, after: str | None = None, limit: int = 100, deadline: Deadline
    ) -> OrphanPage[OrphanedChunk]:
        """Corrections that wait: their documents do not have these texts any more. At most `limit` behind `after`."""
        caller.require("chunks", "read")
        async with deadline.enforce("listing orphaned corrections"):
            found = await self._orphaned(caller)
        return orphan_page("orphaned chunks", found, _order_of, after, limit)

    async def _orphaned(self, caller: Caller, chunk_id: str | None = None) -> list[OrphanedChunk]:
        """Of the documents where this chunk was made; without one, of all."""
        reach = caller.access.reach("chunks", "read")
        found = [
            OrphanedChunk(document.document_id, one)
            async for document in corrected_documents(
                self._reader, self._commands, caller.tenant, CORRECTED, reach, of=chunk_id
            )
            for one in document.orphaned_recuts
        ]
        return sorted(found, key=_order_of)

    async def _document(self, caller: Caller, chunk_ids: Sequence[str]) -> Document:
        """The one that they are all of."""
        keys = [await self._document_of(caller, one) for one in chunk_ids]
        missing = next((one for one, key in zip(chunk_ids, keys, strict=True) if key is None), None)
        if missing is not None:
            raise unknown(f"chunk {missing!r}")
        if len(set(keys)) > 1:
            raise InvalidRequestError("these chunks are of several documents; name chunks of one")
        async for states in self._commands.load_in_batches([key for key in keys[:1] if key], Document.project):
            for state in states.values():
                document = check_right(caller, "chunks", f"chunk {chunk_ids[0]!r}", state)
                await self._recutting.load()
                self._check_embedder(document)
                return document
        raise unknown(f"chunk {chunk_ids[0]!r}")

    async def _document_of(self, caller: Caller, chunk_id: str) -> AggregateKey | None:
        seen = caller.access.reach("chunks", "read").searched
        found = (await self._passages.passages(caller.tenant, [chunk_id], seen)).get(chunk_id)
        return None if found is None else AggregateKey(caller.tenant, "document", found.document_id)

    def _check_embedder(self, document: Document) -> None:
        """A vector of another embedder would be found by no search."""
        if document.chunked is not None and not self._recutting.fits(document):
            raise RefusedError(
                f"document {document.document_id} was embedded by {document.chunked.embedder}, which does not serve; "
                "have one embedder embed everything first: annals models set embedder NAME"
            )

    async def _made(self, document: Document, gone: Sequence[Chunk], span: tuple[int, int]) -> Chunk:
        start, end = span
        check_span(start, end, document.text.characters)
        try:
            text = await self._recutting.text(document)
        except MissingTextError:
            raise RefusedError(
                f"the text of document {document.document_id} is not kept any more; take it in again"
            ) from None
        if is_blank(text[start:end]):
            raise InvalidRequestError(f"the text says nothing from {start} to {end}; give other bounds")
        assert document.chunked is not None
        kept = {one.chunk_id for one in document.chunked.chunks} - {one.chunk_id for one in gone}
        return await self._recutting.chunk(document, text, span, gone[0].index, kept)

    async def _decide(
        self,
        caller: Caller,
        document: Document,
        chunk: Chunk,
        decision: Callable[[Document], Sequence[DomainEvent]],
    ) -> Corrected:
        """Only of the content that the chunk was made from."""

        def decide(now: Document | None) -> Sequence[DomainEvent]:
            present = check_right(caller, "chunks", f"chunk {chunk.chunk_id!r}", now)
            if (present.text.digest, present.title) != (document.text.digest, document.title):
                raise RefusedError(f"document {document.document_id} has other content now; look at its chunks again")
            return decision(present)

        key = AggregateKey(caller.tenant, "document", document.document_id)
        events = await self._commands.execute(Command(key, Document.project, decide, state=document))
        return outcome(chunk.chunk_id, document.document_id, events)


def _order_of(one: OrphanedChunk) -> tuple[str, str]:
    return one.document_id, one.correction.chunk.chunk_id


def check_span(start: int, end: int, characters: int) -> None:
    """Whether a chunk of a text of so many characters may have these bounds. Raises InvalidRequestError."""
    if not 0 <= start < end <= characters:
        raise InvalidRequestError(
            f"{start} to {end} is no stretch of a text of {characters} characters; give other bounds"
        )
    if end - start > MOST_CHARACTERS:
        raise InvalidRequestError(
            f"{end - start} characters are too many for a chunk, which has at most {MOST_CHARACTERS}; "
            "give narrower bounds"
        )


def _there(document: Document, chunk_ids: Sequence[str]) -> tuple[Chunk, ...]:
    """These chunks, in the order of the text. Raises NotFoundError."""
    present = {one.chunk_id: one for one in document.chunked.chunks} if document.chunked is not None else {}
    missing = next((one for one in chunk_ids if one not in present), None)
    if missing is not None:
        raise unknown(f"chunk {missing!r}")
    return tuple(sorted((present[one] for one in chunk_ids), key=lambda one: (one.start, one.end)))


def _check_adjacent(document: Document, gone: Sequence[Chunk]) -> None:
    """What is merged holds no other chunk between. Raises InvalidRequestError."""
    start, end, own = gone[0].start, max(one.end for one in gone), {one.chunk_id for one in gone}
    assert document.chunked is not None
    between = [
        one.chunk_id
        for one in document.chunked.chunks
        if one.chunk_id not in own and start <= one.start and one.end <= end
    ]
    if between:
        raise InvalidRequestError(f"chunk {between[0]} lies between these; name it, too, or other ones")
