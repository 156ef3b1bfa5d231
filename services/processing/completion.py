"""RelationshipsDiscovered to DocumentProcessed: every stage has processed the present content."""

from collections.abc import Sequence
from uuid import UUID

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.documents import DocumentProcessed
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from services.processing.stage import StageOutput


class Completion:
    """Counts what was found."""

    name = "completion"
    revision = "completion/1"
    triggers = frozenset({EventType.RELATIONSHIPS_DISCOVERED})

    def is_due(self, document: Document, event: DomainEvent) -> bool:
        """The relations still are those of the present content, and it was not completed yet."""
        return document.is_present(event.event_id) and document.processed is None

    async def work(self, batch: Sequence[tuple[Document, DomainEvent]]) -> list[StageOutput]:
        """No model: the document's own state has it all."""
        return [_processed(document) for document, _ in batch]

    def decide(self, document: Document | None, of: UUID, result: StageOutput, cause: Cause) -> Sequence[DomainEvent]:
        """The Document's decision."""
        assert isinstance(result, DocumentProcessed)
        return documents.complete(document, of, result, cause)


def _processed(document: Document) -> DocumentProcessed:
    chunked, extracted, related = document.chunked, document.extracted, document.related
    assert chunked is not None and extracted is not None and related is not None
    return DocumentProcessed(
        content=document.text.digest,
        chunks=len(chunked.chunks),
        entities=extracted.count,
        relations=related.count,
    )
