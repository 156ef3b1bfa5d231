"""EntitiesExtracted to RelationshipsDiscovered: who does what to whom, as the sentences say it."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts import ids
from contracts.documents import Chunk, Relation, RelationshipsDiscovered
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.payload import Payload
from eventstore.texts import TextStore
from inference.analysis import RelationSpan, decode
from inference.runner import Inference
from services.processing.entities import chunks_of, texts_of_chunks


class Relationships:
    """By default the pass that found the entities found the relations too, so no model runs here."""

    name = "relationships"
    triggers = frozenset({EventType.ENTITIES_EXTRACTED})

    def __init__(self, texts: TextStore, inference: Inference) -> None:
        self._texts = texts
        self._inference = inference

    @property
    def revision(self) -> str:
        """The parser."""
        return self._inference.relations.revision

    def is_due(self, document: Document, event: DomainEvent) -> bool:
        """The entities still are those of the present content, and it has no relations yet."""
        return document.is_present(event.event_id) and document.related is None

    async def work(self, batch: Sequence[tuple[Document, DomainEvent]]) -> list[Payload]:
        """Read what the parser said of each chunk; overlapping chunks state a relation once."""
        chunk_texts = await texts_of_chunks(self._texts, [document for document, _ in batch])
        outputs = iter(await self._inference.relations.outputs([text for texts in chunk_texts for text in texts]))
        return [self._payload(document, outputs) for document, _ in batch]

    def _payload(self, document: Document, outputs: Iterator[bytes]) -> RelationshipsDiscovered:
        relations: dict[str, Relation] = {}
        for chunk in chunks_of(document):
            for span in decode(next(outputs)).relations:
                relation = _relation(document, chunk, span)
                if relation is not None:
                    relations.setdefault(relation.relation_id, relation)
        return RelationshipsDiscovered(
            content=document.text.digest, model=self.revision, relations=tuple(relations.values())
        )

    def decide(self, document: Document | None, of: UUID, result: Payload, cause: Cause) -> tuple[DomainEvent, ...]:
        """The Document's decision."""
        assert isinstance(result, RelationshipsDiscovered)
        return documents.discover_relationships(document, of, result, cause)


def _relation(document: Document, chunk: Chunk, span: RelationSpan) -> Relation | None:
    subject, obj = span.subject.name, span.object.name
    if not ids.normalise_name(subject) or not ids.normalise_name(obj):
        return None
    tenant, start = document.tenant, chunk.start + span.start
    subject_id, object_id = ids.entity_id(tenant, subject), ids.entity_id(tenant, obj)
    return Relation(
        relation_id=ids.relation_id(tenant, document.document_id, subject_id, span.predicate, object_id, start),
        subject_id=subject_id,
        subject=subject[:1024],
        predicate=span.predicate[:256],
        object_id=object_id,
        object=obj[:1024],
        chunk_id=chunk.chunk_id,
        start=start,
        end=chunk.start + span.end,
        confidence=span.confidence,
    )
