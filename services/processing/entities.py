"""DocumentChunked to EntitiesExtracted: what the chunks name, and what they are about."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts import ids
from contracts.documents import Alias, Chunk, EntitiesExtracted, Mention
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.payload import Payload
from eventstore.texts import TextStore
from inference.analysis import Analysis, decode
from inference.naming import names_of
from inference.runner import Inference

Names = dict[str, tuple[str, str] | None]
"""What a text calls something, to the entity's id and its name; None for what is no name."""


class Entities:
    """Spans are in characters of the whole document."""

    name = "entities"
    triggers = frozenset({EventType.DOCUMENT_CHUNKED})

    def __init__(self, texts: TextStore, inference: Inference) -> None:
        self._texts = texts
        self._inference = inference

    @property
    def revision(self) -> str:
        """The entity model."""
        return self._inference.entities.revision

    def is_due(self, document: Document, event: DomainEvent) -> bool:
        """The chunks still are those of the present content, and nothing was extracted from them yet."""
        return document.is_present(event.event_id) and document.extracted is None

    async def work(self, batch: Sequence[tuple[Document, DomainEvent]]) -> list[Payload]:
        """One pass of the model over the chunks it never saw."""
        chunk_texts = await texts_of_chunks(self._texts, [document for document, _ in batch])
        every = [text for texts in chunk_texts for text in texts]
        entities, relations = self._inference.entities, self._inference.relations
        analysed = await entities.outputs(every)
        parsed = analysed if relations is entities else await relations.outputs(every)
        outputs, subjects = iter(analysed), iter(parsed)
        return [
            self._payload(
                document, texts[0] if texts else "", _analyses(document, outputs), _analyses(document, subjects)
            )
            for (document, _), texts in zip(batch, chunk_texts, strict=True)
        ]

    def _payload(
        self, document: Document, beginning: str, analyses: Iterator[Analysis], parsed: Iterator[Analysis]
    ) -> EntitiesExtracted:
        mentions: list[Mention] = []
        aliases: list[Alias] = []
        names: Names = {}
        for chunk, analysis, parse in zip(chunks_of(document), analyses, parsed, strict=True):
            mentions.extend(_mentions(document.tenant, chunk, analysis, names))
            aliases.extend(_aliases(document.tenant, chunk, names_of(document.title, parse.subject, beginning)))
        return EntitiesExtracted(
            content=document.text.digest,
            model=self.revision,
            mentions=tuple(mentions),
            aliases=tuple(aliases),
        )

    def decide(self, document: Document | None, of: UUID, result: Payload, cause: Cause) -> tuple[DomainEvent, ...]:
        """The Document's decision."""
        assert isinstance(result, EntitiesExtracted)
        return documents.extract_entities(document, of, result, cause)


def chunks_of(document: Document) -> tuple[Chunk, ...]:
    """The chunks of the present content. Only called for documents that were chunked."""
    assert document.chunked is not None
    return document.chunked.chunks


async def texts_of_chunks(texts: TextStore, batch: Sequence[Document]) -> list[list[str]]:
    """For each document the text of each of its chunks."""
    keys = [(document.tenant, document.document_id, document.text.digest) for document in batch]
    found = await texts.get_many(keys)
    return [
        [found[key][chunk.start : chunk.end] for chunk in chunks_of(document)]
        for document, key in zip(batch, keys, strict=True)
    ]


def _analyses(document: Document, outputs: Iterator[bytes]) -> Iterator[Analysis]:
    return (decode(next(outputs)) for _ in chunks_of(document))


def _mentions(tenant: str, chunk: Chunk, analysis: Analysis, names: Names) -> Iterator[Mention]:
    """`names` is filled: a document says few names many times, and their mentions share the strings."""
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


def _aliases(tenant: str, chunk: Chunk, names: Sequence[tuple[str, float]]) -> Iterator[Alias]:
    best: dict[str, Alias] = {}
    for name, quality in names:
        if not ids.normalise_name(name):
            continue
        alias = Alias(entity_id=ids.entity_id(tenant, name), name=name[:1024], chunk_id=chunk.chunk_id, quality=quality)
        if alias.entity_id not in best or best[alias.entity_id].quality < quality:
            best[alias.entity_id] = alias
    yield from best.values()
