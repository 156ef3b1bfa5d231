"""What can be read from the relational read model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from projections.graph.reads import WrongRelation

ORDERED_CHARACTERS = 200
"""By how many of its first characters a name or title is ordered: it may be longer than an index takes."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is, of one tenant. `relations` without those that somebody called wrong.

    `waiting`: documents that are not processed yet.
    """

    documents: int
    chunks: int
    entities: int
    relations: int
    waiting: int


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as dashboards show it."""

    document_id: str
    title: str
    uri: str | None
    attributes: dict[str, Any]
    digest: str
    characters: int
    bytes: int
    taken_at: datetime
    stage: str
    since: datetime
    chunks: Sequence[dict[str, Any]]
    entities: Sequence[dict[str, Any]]
    relations: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Which documents: all conditions hold. `attributes`: for each name the values of which the document has one.

    `ids`: among these; None for all. `uri_prefix`: whose address begins so, in this case. `since` and `until`: taken in
    from and before. `collections`: those of these collections alone, "" for those of none; None for all.
    """

    stage: str | None = None
    id_prefix: str = ""
    title_prefix: str = ""
    attributes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    collections: frozenset[str] | None = None
    ids: Sequence[str] | None = None
    uri_prefix: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document in a list. `digest` is its text's."""

    document_id: str
    title: str
    uri: str | None
    attributes: dict[str, Any]
    characters: int
    bytes: int
    taken_at: datetime
    stage: str
    since: datetime
    digest: str = ""


@dataclass(frozen=True, slots=True)
class EntityFilter:
    """Which entities: all conditions hold.

    `collections`: as documents of these collections have them, "" for those of none; None for all documents. An entity
    is there then where one of these names it, is called and counted as they do, unless a person decided on its name.
    """

    type: str | None = None
    name_prefix: str = ""
    collections: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class EntitySummary:
    """An entity in a list: how often, and in how many documents it is mentioned."""

    entity_id: str
    name: str
    type: str | None
    mentions: int
    documents: int
    valid: bool | None


@dataclass(frozen=True, slots=True)
class RelationFilter:
    """Which relations: all conditions hold. `entity_id`: at either end, also of what was merged into it.

    `collections`: of documents of these collections alone, "" for those of none; None for all documents.
    """

    document_id: str | None = None
    entity_id: str | None = None
    predicate: str | None = None
    collections: frozenset[str] | None = None
    relation_id: str | None = None


@dataclass(frozen=True, slots=True)
class RelationRow:
    """A relation in a list; `start` and `end` are characters of its document. `valid`: what a person said of it.

    `violates`: what is wrong with it by the ontology, in words. `valid_until` is also when a later relation begins that
    this one cannot be true beside: `superseded_by`, its id.
    """

    document_id: str
    relation_id: str
    subject_id: str
    subject: str
    predicate: str
    object_id: str
    object: str
    chunk_id: str
    start: int
    end: int
    confidence: float
    valid: bool | None
    negated: bool
    modality: str | None
    time: str | None
    valid_from: str | None
    valid_until: str | None
    superseded_by: str | None
    violates: str | None = None


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk in a list; `start` and `end` are characters of its document."""

    chunk_id: str
    start: int
    end: int
    tokens: int


@dataclass(frozen=True, slots=True)
class FilterStatistics:
    """How many documents pass a filter, and how many there are: each counted to a limit and no further."""

    matching: int
    documents: int


class RelationalReader(Protocol):
    """Reads rows. Every method raises StoreUnavailableError when the database is away.

    `collections`: only documents of these collections and what they say, "" for those of none; None for all.
    """

    async def counts(self, tenant: str, collections: frozenset[str] | None = None) -> Counts:
        """How much there is."""
        ...

    async def unprocessed(
        self, tenant: str, limit: int, collections: frozenset[str] | None = None
    ) -> list[tuple[str, datetime]]:
        """Documents that are not processed yet, with the time of their last event; the longest waiting first."""
        ...

    async def document(
        self, tenant: str, document_id: str, collections: frozenset[str] | None = None
    ) -> DocumentRow | None:
        """One document with what was found in it; its entities as these collections and it itself call them."""
        ...

    async def with_attributes(
        self, tenant: str, attributes: dict[str, Any], limit: int | None, collections: frozenset[str] | None = None
    ) -> list[str]:
        """Ids of the documents that have all of these attributes, by id; at most `limit`."""
        ...

    async def filter_statistics(
        self, tenant: str, attributes: dict[str, Any], limit: int, collections: frozenset[str] | None = None
    ) -> FilterStatistics:
        """Of documents that have all of these attributes: at most `limit` are counted, of all ten times as many."""
        ...

    async def having(
        self,
        tenant: str,
        document_ids: Sequence[str],
        attributes: dict[str, Any],
        collections: frozenset[str] | None = None,
    ) -> set[str]:
        """Those of these documents that have all of these attributes."""
        ...

    async def named(self, tenant: str, entity_ids: Sequence[str]) -> set[str]:
        """Those of these entities that some document names."""
        ...

    async def list_documents(
        self, tenant: str, wanted: DocumentFilter, after: str | None, limit: int
    ) -> list[DocumentSummary]:
        """At most `limit`, by id in the order of code points, from behind the id `after`; titles in either case."""
        ...

    async def list_entities(
        self, tenant: str, wanted: EntityFilter, after: tuple[str, str] | None, limit: int
    ) -> list[EntitySummary]:
        """At most `limit`, by name and id, from behind the name and id `after`; names in either case.

        Those that were merged into another are left out.
        """
        ...

    async def list_relations(
        self, tenant: str, wanted: RelationFilter, after: tuple[str, str] | None, limit: int
    ) -> list[RelationRow]:
        """At most `limit`, by document and id of the relation, from behind the pair `after`."""
        ...

    async def called_wrong(self, tenant: str, chunk_ids: Sequence[str]) -> list[WrongRelation]:
        """What these chunks state and somebody called wrong, in the order of the text."""
        ...

    async def wrong_tag(self, tenant: str) -> str:
        """Changes whenever somebody calls a relation wrong, or takes that back."""
        ...

    async def called_right(self, tenant: str, relation_ids: Sequence[str]) -> set[str]:
        """Those of these relations that somebody called right."""
        ...

    async def rejected_question(self, tenant: str, cache_key: str) -> str | None:
        """The id of one whose answer goes by this key, and of whose chains somebody called one wrong."""
        ...

    async def list_chunks(
        self, tenant: str, document_id: str, after: tuple[int, str] | None, limit: int
    ) -> list[ChunkRow]:
        """A document's, at most `limit`, by where they start and their id, from behind the pair `after`."""
        ...

    async def collection(self, tenant: str, document_id: str) -> str | None:
        """The collection that a document is of, "" where it is of none; None where there is no such document."""
        ...
