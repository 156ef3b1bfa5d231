"""EntitiesExtracted to RelationshipsDiscovered: who does what to whom, as the sentences say it."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts import ids
from contracts.documents import Chunk, Relation, RelationshipsDiscovered, StageResult
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.parts import PartsBuilder
from contracts.payload import Payload
from eventstore.texts import TextStore
from inference.analysis import Analysis, RelationSpan, decode
from inference.runner import Inference
from services.processing.chunking import Follow, as_it_is
from services.processing.pieces import Piece, groups_of_pieces
from services.processing.stage import Completed, StageOutput


class Relationships:
    """By default the pass that found the entities found the relations too, so no model runs here."""

    name = "relationships"
    triggers = frozenset({EventType.ENTITIES_EXTRACTED})

    def __init__(self, texts: TextStore, inference: Inference, follow: Follow = as_it_is) -> None:
        """`follow` has `inference` read with the models that serve now."""
        self._texts = texts
        self._inference = inference
        self._follow = follow

    @property
    def revision(self) -> str:
        """The parser."""
        return self._inference.relations.revision

    def is_due(self, document: Document, event: DomainEvent) -> bool:
        """The entities still are those of the present content, and it has no relations yet."""
        return document.is_present(event.event_id) and document.related is None

    async def work(self, batch: Sequence[tuple[Document, DomainEvent]]) -> list[Sequence[StageResult]]:
        """Read what the parser said of each chunk; overlapping chunks state a relation once."""
        await self._follow()
        model = self._inference.relations
        builders = [PartsBuilder(_empty(document, model.revision)) for document, _ in batch]
        stated = [Stated() for _ in batch]
        async for group in groups_of_pieces(self._texts, [document for document, _ in batch]):
            outputs = await model.outputs([piece.text for piece in group])
            for piece, output in zip(group, outputs, strict=True):
                for relation in stated[piece.index].new(piece, decode(output)):
                    builders[piece.index].add("relations", relation)
        return [builder.parts() for builder in builders]

    def decide(self, document: Document | None, of: UUID, result: StageOutput, cause: Cause) -> Sequence[DomainEvent]:
        """The Document's decision."""
        assert not isinstance(result, Payload | Completed)
        return documents.discover_relationships(document, of, result, cause)


class Stated:
    """The relations of one document, each once though overlapping chunks state it twice."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def new(self, piece: Piece, analysis: Analysis) -> Iterator[Relation]:
        """Those that this chunk states first. Chunks come in the order of their starts."""
        # What lies before this one is stated no more.
        self._known = {one: start for one, start in self._known.items() if start >= piece.chunk.start}
        for span in analysis.relations:
            relation = _relation(piece.document, piece.chunk, span)
            if relation is not None and relation.relation_id not in self._known:
                self._known[relation.relation_id] = relation.start
                yield relation


def _empty(document: Document, revision: str) -> RelationshipsDiscovered:
    return RelationshipsDiscovered(content=document.text.digest, model=revision, relations=())


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
        negated=span.negated,
        modality=None if span.modality is None else span.modality[:256],
        time=None if span.time is None else span.time[:256],
        valid_from=span.valid_from,
        valid_until=span.valid_until,
    )
