"""DocumentIngested or DocumentUpdated to DocumentChunked: cut the text, give each chunk a vector."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts import ids
from contracts.documents import Chunk, DocumentChunked
from contracts.envelope import DomainEvent
from contracts.event_types import TAKES_IN
from contracts.structure import structure_of
from eventstore.texts import TextStore
from inference.chunking import ChunkSpan
from inference.model import digest_of
from inference.runner import Inference
from services.processing.ahead import ParsingAhead
from services.processing.embedder_input import EmbedderInputs
from services.processing.stage import StageOutput

Follow = Callable[[], Awaitable[None]]


async def as_it_is() -> None:
    """No embedder takes over from the one that is there."""


class Chunking:
    """Vectors go to the model outputs, keyed by what the embedder read; the event carries spans and digests."""

    name = "chunking"
    triggers = TAKES_IN

    def __init__(self, texts: TextStore, inference: Inference, follow: Follow = as_it_is) -> None:
        """`follow` has `inference` embed with the embedder that serves now."""
        self._texts = texts
        self._inference = inference
        self._follow = follow
        self._parsing = ParsingAhead(inference)

    @property
    def revision(self) -> str:
        """Chunker and embedder together."""
        return f"{self._inference.chunker.revision} {self._inference.embedder.revision}"

    def is_due(self, document: Document, event: DomainEvent) -> bool:
        """The event still is the present content, and that has no chunks yet."""
        return document.is_present(event.event_id) and document.chunked is None

    async def work(self, batch: Sequence[tuple[Document, DomainEvent]]) -> list[StageOutput]:
        """Cut, embed what was never embedded, describe."""
        await self._follow()
        keys = [(document.tenant, document.document_id, document.text.digest) for document, _ in batch]
        texts = await self._texts.get_many(keys)
        cut = await asyncio.to_thread(
            lambda: [self._cut(document, texts[key]) for (document, _), key in zip(batch, keys, strict=True)]
        )
        payloads = [
            self._payload(document, texts[key], spans, read)
            for (document, _), key, (spans, read) in zip(batch, keys, cut, strict=True)
        ]
        self._parsing.begin(
            [texts[key][span.start : span.end] for key, (spans, _) in zip(keys, cut, strict=True) for span in spans]
        )
        await self._inference.embedder.outputs([one for _, read in cut for one in read])
        return list(payloads)

    def _cut(self, document: Document, text: str) -> tuple[Sequence[ChunkSpan], list[str]]:
        """The chunks, and what the embedder is to read of each; blocks."""
        spans = self._inference.chunker.split(text, structure_of(document.attributes).headings)
        inputs = EmbedderInputs(document.title, text, document.attributes)
        return spans, [inputs.of(span.start, span.end) for span in spans]

    def _payload(
        self, document: Document, text: str, spans: Sequence[ChunkSpan], inputs: Sequence[str]
    ) -> DocumentChunked:
        occurrences: Counter[str] = Counter()
        chunks: list[Chunk] = []
        for index, (span, read) in enumerate(zip(spans, inputs, strict=True)):
            content = text[span.start : span.end]
            digest = digest_of(content)
            chunks.append(
                Chunk(
                    chunk_id=ids.chunk_id(document.tenant, document.document_id, digest, occurrences[digest]),
                    index=index,
                    start=span.start,
                    end=span.end,
                    tokens=span.tokens,
                    digest=digest,
                    input_digest=digest_of(read),
                )
            )
            occurrences[digest] += 1
        return DocumentChunked(
            content=document.text.digest,
            title=document.title,
            chunker=self._inference.chunker.revision,
            embedder=self._inference.embedder.revision,
            chunks=tuple(chunks),
        )

    def decide(self, document: Document | None, of: UUID, result: StageOutput, cause: Cause) -> Sequence[DomainEvent]:
        """The Document's decision."""
        assert isinstance(result, DocumentChunked)
        return documents.chunk(document, of, result, cause)
