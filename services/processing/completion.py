"""RelationshipsDiscovered to DocumentProcessed: every stage has processed the present content.

What people corrected in earlier content is applied to it before: judgements by the Document itself, chunks here.
"""

from collections.abc import Sequence
from uuid import UUID

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.documents import DocumentProcessed, rechunked
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from eventstore.texts import TextStore
from inference.runner import Inference
from services.processing.recutting import Recutting
from services.processing.stage import Completed, StageOutput


class Completion:
    """Counts what was found."""

    name = "completion"
    revision = "completion/1"
    triggers = frozenset({EventType.RELATIONSHIPS_DISCOVERED})

    def __init__(self, texts: TextStore, inference: Inference) -> None:
        self._recutting = Recutting(texts, inference)

    def is_due(self, document: Document, event: DomainEvent) -> bool:
        """The relations still are those of the present content, and it was not completed yet."""
        return document.is_present(event.event_id) and document.processed is None

    async def work(self, batch: Sequence[tuple[Document, DomainEvent]]) -> list[StageOutput]:
        """No model where nobody corrected a chunk: the document's own state has it all."""
        return [await self._completed(document) for document, _ in batch]

    async def _completed(self, document: Document) -> Completed:
        chunked, extracted, related = document.chunked, document.extracted, document.related
        assert chunked is not None and extracted is not None and related is not None
        chunks, recuts = chunked.chunks, await self._recutting.again(document)
        for change in recuts:
            chunks = rechunked(chunks, change)
        processed = DocumentProcessed(
            content=document.text.digest, chunks=len(chunks), entities=extracted.count, relations=related.count
        )
        return Completed(processed, recuts)

    def decide(self, document: Document | None, of: UUID, result: StageOutput, cause: Cause) -> Sequence[DomainEvent]:
        """The Document's decision."""
        assert isinstance(result, Completed)
        return documents.complete(document, of, result.processed, cause, result.recuts)
