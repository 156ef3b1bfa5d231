"""DocumentChunked to EntitiesExtracted: what the chunks name, and what they are about."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts import ids
from contracts.documents import Alias, Chunk, EntitiesExtracted, Mention, StageResult
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.parts import PartsBuilder
from contracts.payload import Payload
from eventstore.texts import TextStore
from inference.analysis import Analysis, decode
from inference.cached import CachedModel
from inference.naming import names_of
from inference.runner import Inference
from services.processing.chunking import Follow, as_it_is
from services.processing.pieces import Piece, groups_of_pieces
from services.processing.stage import Completed, StageOutput

Names = dict[str, tuple[str, str] | None]
"""What a text calls something, to the entity's id and its name; None for what is no name."""
MAX_NAMES = 10_000
"""Of so many, what they are is remembered from chunk to chunk."""


class Entities:
    """Spans are in characters of the whole document."""

    name = "entities"
    triggers = frozenset({EventType.DOCUMENT_CHUNKED})

    def __init__(self, texts: TextStore, inference: Inference, follow: Follow = as_it_is) -> None:
        """`follow` has `inference` read with the models that serve now."""
        self._texts = texts
        self._inference = inference
        self._follow = follow

    @property
    def revision(self) -> str:
        """The entity model."""
        return self._inference.entities.revision

    def is_due(self, document: Document, event: DomainEvent) -> bool:
        """The chunks still are those of the present content, and nothing was extracted from them yet."""
        return document.is_present(event.event_id) and document.extracted is None

    async def work(self, batch: Sequence[tuple[Document, DomainEvent]]) -> list[Sequence[StageResult]]:
        """One pass of the model over the chunks it never saw, group by group: a text may name a million things."""
        await self._follow()
        entities, relations = self._inference.entities, self._inference.relations
        builders = [PartsBuilder(_empty(document, entities.revision)) for document, _ in batch]
        names: list[Names] = [{} for _ in batch]
        beginnings: dict[int, str] = {}
        async for group in groups_of_pieces(self._texts, [document for document, _ in batch]):
            for piece, analysis, parse in await analysed(entities, relations, group):
                builder, document = builders[piece.index], piece.document
                beginning = beginnings.setdefault(piece.index, piece.text)
                for mention in mentions_of(document.tenant, piece.chunk, analysis, names[piece.index]):
                    builder.add("mentions", mention)
                about = names_of(document.title, parse.subject, beginning)
                for alias in aliases_of(document.tenant, piece.chunk, about):
                    builder.add("aliases", alias)
            names = [own if len(own) < MAX_NAMES else {} for own in names]
        return [builder.parts() for builder in builders]

    def decide(self, document: Document | None, of: UUID, result: StageOutput, cause: Cause) -> Sequence[DomainEvent]:
        """The Document's decision."""
        assert not isinstance(result, Payload | Completed)
        return documents.extract_entities(document, of, result, cause)


async def analysed(
    entities: CachedModel, relations: CachedModel, group: Sequence[Piece]
) -> Iterator[tuple[Piece, Analysis, Analysis]]:
    """What the entity model says of each chunk, and what the parser says."""
    texts = [piece.text for piece in group]
    found = map(decode, await entities.outputs(texts))
    if relations is entities:
        return ((piece, analysis, analysis) for piece, analysis in zip(group, found, strict=True))
    return zip(group, found, map(decode, await relations.outputs(texts)), strict=True)


def _empty(document: Document, revision: str) -> EntitiesExtracted:
    return EntitiesExtracted(content=document.text.digest, model=revision, mentions=(), aliases=())


def mentions_of(tenant: str, chunk: Chunk, analysis: Analysis, names: Names) -> Iterator[Mention]:
    """What the chunk names. `names` is filled: a document says few many times, and their mentions share the strings."""
    for entity in analysis.entities:
        if entity.name not in names:
            said = bool(ids.normalise_name(entity.name))
            names[entity.name] = (ids.entity_id(tenant, entity.name), entity.name[:1024]) if said else None
        if (named := names[entity.name]) is not None:
            yield Mention(
                entity_id=named[0],
                name=named[1],
                type=entity.type,
                chunk_id=chunk.chunk_id,
                start=chunk.start + entity.start,
                end=chunk.start + entity.end,
                confidence=entity.confidence,
            )


def aliases_of(tenant: str, chunk: Chunk, names: Sequence[tuple[str, float]]) -> Iterator[Alias]:
    """What the chunk is about, each entity once."""
    best: dict[str, Alias] = {}
    for name, quality in names:
        if not ids.normalise_name(name):
            continue
        alias = Alias(entity_id=ids.entity_id(tenant, name), name=name[:1024], chunk_id=chunk.chunk_id, quality=quality)
        if alias.entity_id not in best or best[alias.entity_id].quality < quality:
            best[alias.entity_id] = alias
    yield from best.values()
