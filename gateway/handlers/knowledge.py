"""What documents speak of: entities, searches, and the questions that need several databases."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field

from contracts.payload import Attributes, Identifier, Name, Predicate, Question
from contracts.text import is_blank
from gateway.errors import InvalidFieldsError
from gateway.exchange import exchange_of
from gateway.handler import Handler, documents_at, services_of, shown
from gateway.parameters import At, ChunkId, Cursor, DocumentId, EntityName, Limit, Prefix
from projections.graph.reads import Entity
from projections.relational.reads import DocumentRow, EntityFilter, RelationFilter
from projections.vector.reads import Passage
from reasoning.results import Citation
from services.positions import Position
from services.reasoning.interface import EmbeddingRequest
from services.search.results import LONGEST_QUERY, MAX_PASSAGES, MOST_FACETS, Mode, SearchRequest
from services.storage.chunk import ChunkInContext
from services.storage.cross_database import Found
from services.storage.listing import EntityPage
from services.storage.parts import ChunkPage, RelationPage
from services.storage.show import NamedEdge


class Search(BaseModel):
    """`filters`: attributes that a document must have, all of them. `k`: how many passages."""

    model_config = ConfigDict(strict=True, extra="forbid")

    query: Annotated[Question, Field(pattern=r"\S")]
    filters: Annotated[Attributes, Field(max_length=16)] = {}
    k: Annotated[int, Field(ge=1, le=MAX_PASSAGES)] = 10


class Traversal(BaseModel):
    """`start_entities`: names or ids. `max_hops`: edges from the nearest of them."""

    model_config = ConfigDict(strict=True, extra="forbid")

    start_entities: Annotated[list[Name], Field(min_length=1, max_length=32)]
    max_hops: Annotated[int, Field(ge=0, le=8)] = 2
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class FoundPassage(BaseModel):
    """A passage of a document. `highlights`: spans of `text`, in its characters, that show why it was found."""

    document_id: str
    chunk_id: str
    title: str
    text: str
    start: int
    end: int
    score: float
    citation: Citation | None
    highlights: list[tuple[int, int]]


class SearchResults(BaseModel):
    """Passages, best first. Scores of one search can be compared with each other, and with no others.

    `found`: how many in all; a search ends at 500, and `truncated` says that it did. `facets`: of the documents found,
    how many have which value of each attribute that was asked for.
    """

    passages: list[FoundPassage]
    next: str | None
    found: int
    truncated: bool
    facets: dict[str, dict[str, int]]


class GraphEntity(BaseModel):
    """`passages` counts those that speak of it."""

    entity_id: str
    name: str
    type: str | None
    passages: int

    @classmethod
    def of(cls, entity: Entity) -> "GraphEntity":
        """As the graph has it."""
        return cls(entity_id=entity.entity_id, name=entity.name, type=entity.type, passages=entity.passages)


class EntityWithEdges(BaseModel):
    """The ends of an edge by name; a passage's name is its title in brackets."""

    entity: GraphEntity
    edges: list[NamedEdge]


class FromDatabases(BaseModel):
    """`positions`: how far each database that answered was, at least. `truncated`: a limit may have left some out."""

    positions: dict[str, Position]
    truncated: bool


class WholeDocument(BaseModel):
    """The document (relational), the entities it speaks of (graph), its passages (vector)."""

    document: DocumentRow
    entities: list[GraphEntity]
    chunks: list[Passage]


class WholeDocumentFound(FromDatabases):
    """Of one document."""

    result: WholeDocument


class PassagesFound(FromDatabases):
    """The nearest first, with their cosine similarity."""

    result: list[Found]


class Walked(BaseModel):
    """An entity, and its distance in edges from the nearest start."""

    entity: GraphEntity
    hops: int


class EntitiesWalked(FromDatabases):
    """The nearest first."""

    result: list[Walked]


async def list_entities(
    request: Request,
    limit: Limit = 100,
    cursor: Cursor = None,
    type: Annotated[str | None, Query(max_length=64, pattern=r"^[\w-]+$")] = None,
    name_prefix: Prefix = "",
    at: At = None,
) -> EntityPage:
    """Entities that meet all conditions, by name, in pages. Those that were merged into another are left out."""
    exchange, documents = exchange_of(request.scope), await documents_at(request, at)
    return await documents.listing.entities(
        exchange.caller, EntityFilter(type, name_prefix), after=cursor, limit=limit, deadline=exchange.deadline
    )


async def list_relations(
    request: Request,
    limit: Limit = 100,
    cursor: Cursor = None,
    document: Annotated[Identifier | None, Query(description="Stated by this document.")] = None,
    entity: Annotated[Identifier | None, Query(description="Id of an entity at either end.")] = None,
    predicate: Annotated[Predicate | None, Query()] = None,
    at: At = None,
) -> RelationPage:
    """Relations that meet all conditions, by document, in pages."""
    exchange, documents = exchange_of(request.scope), await documents_at(request, at)
    return await documents.parts.relations(
        exchange.caller,
        RelationFilter(document, entity, predicate),
        after=cursor,
        limit=limit,
        deadline=exchange.deadline,
    )


async def list_chunks(
    request: Request, document_id: DocumentId, limit: Limit = 100, cursor: Cursor = None, at: At = None
) -> ChunkPage:
    """A document's chunks with their texts, in their order, in pages."""
    exchange, documents = exchange_of(request.scope), await documents_at(request, at)
    return await documents.parts.chunks(
        exchange.caller, document_id, after=cursor, limit=limit, deadline=exchange.deadline
    )


async def read_chunk(request: Request, chunk_id: ChunkId, at: At = None) -> ChunkInContext:
    """A chunk, where in its file it stands (page, headings), and the text around it."""
    exchange, documents = exchange_of(request.scope), await documents_at(request, at)
    return await documents.chunks.read(exchange.caller, chunk_id, deadline=exchange.deadline)


async def read_entity(request: Request, entity: EntityName, at: At = None) -> EntityWithEdges:
    """An entity by its name, with what is around it in the graph."""
    exchange, documents = exchange_of(request.scope), await documents_at(request, at)
    found = await documents.show.entity(exchange.caller, entity, deadline=exchange.deadline)
    return EntityWithEdges(entity=GraphEntity.of(found.entity), edges=list(found.edges))


async def search(
    request: Request,
    query: Annotated[
        str,
        Query(
            max_length=LONGEST_QUERY,
            description='Words, "a phrase", a prefix*, -without, conditions as type:letter; none is a wrong query.',
        ),
    ] = "",
    mode: Annotated[Mode, Query(description="By words, by meaning, by both, or by nearness in the graph.")] = "hybrid",
    like: Annotated[
        Identifier | None, Query(description="Id of a document or passage that what is found should be like.")
    ] = None,
    facet: Annotated[
        list[Annotated[str, Field(max_length=128)]] | None,
        Query(max_length=MOST_FACETS, description="An attribute to count documents by."),
    ] = None,
    k: Annotated[int, Query(ge=1, le=MAX_PASSAGES)] = 10,
    cursor: Cursor = None,
    at: At = None,
) -> SearchResults:
    """The passages that meet a query, best first, in pages. There must be a query, or something to find the like of."""
    if like is None and is_blank(query):
        raise InvalidFieldsError([{"pointer": "query: query", "detail": "it is blank, and so is `like`"}])
    exchange = exchange_of(request.scope)
    services = services_of(request)
    await services.models(exchange.deadline)
    searching = services.search if at is None else (await services.past.reads.of(at, deadline=exchange.deadline)).search
    page = await searching.search(
        exchange.caller,
        SearchRequest(query, mode, like, tuple(facet or ())),
        after=cursor,
        limit=k,
        deadline=exchange.deadline,
    )
    return SearchResults(
        passages=[FoundPassage(**asdict(one.passage), highlights=list(one.highlights)) for one in page.passages],
        next=page.next,
        found=page.found,
        truncated=page.truncated,
        facets={name: dict(counts) for name, counts in page.facets.items()},
    )


async def with_entities(request: Request, document_id: DocumentId) -> WholeDocumentFound:
    """A document (relational), the entities it speaks of (graph) and its passages (vector)."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).documents.databases.document_with_entities(
        exchange.caller, document_id, deadline=exchange.deadline
    )
    whole = WholeDocument(
        document=found.result.document,
        entities=[GraphEntity.of(entity) for entity in found.result.entities],
        chunks=list(found.result.chunks),
    )
    return WholeDocumentFound(result=whole, positions=_shown(request, found.positions), truncated=found.truncated)


async def semantic_search(request: Request, wanted: Search) -> PassagesFound:
    """The passages nearest by meaning, of documents that have certain attributes."""
    exchange, services = exchange_of(request.scope), services_of(request)
    models = await services.models(exchange.deadline)
    query = await models.reasoning.embed(exchange.caller, EmbeddingRequest(wanted.query), exchange.deadline)
    found = await services.documents.databases.semantic_search(
        exchange.caller, query.revision, query.vector, wanted.filters, wanted.k, deadline=exchange.deadline
    )
    return PassagesFound(result=found.result, positions=_shown(request, found.positions), truncated=found.truncated)


async def traverse(request: Request, wanted: Traversal) -> EntitiesWalked:
    """Entities within some edges of others, the nearest first."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).documents.databases.graph_traversal(
        exchange.caller, wanted.start_entities, wanted.max_hops, wanted.limit, deadline=exchange.deadline
    )
    walked = [Walked(entity=GraphEntity.of(one.entity), hops=one.hops) for one in found.result]
    return EntitiesWalked(result=walked, positions=_shown(request, found.positions), truncated=found.truncated)


def _shown(request: Request, positions: Mapping[str, int]) -> dict[str, Position]:
    return {name: shown(request, position) for name, position in positions.items()}


PASSAGE = {
    "chunk_id": "5f0c",
    "document_id": "articles/lovelace",
    "title": "Ada Lovelace",
    "text": "Ada Lovelace wrote the first program for the Analytical Engine.",
    "start": 0,
    "end": 63,
}
CITATION = {
    "file": "https://example.org/lovelace.pdf",
    "page": 3,
    "last_page": 4,
    "headings": ["Life", "Work"],
}
ENTITY = {"entity_id": "e1", "name": "Ada Lovelace", "type": "PERSON", "passages": 1}
RELATION = {
    "document_id": "articles/lovelace",
    "relation_id": "r1",
    "subject_id": "e1",
    "subject": "Ada Lovelace",
    "predicate": "write",
    "object_id": "e2",
    "object": "program",
    "chunk_id": "5f0c",
    "start": 0,
    "end": 63,
    "confidence": 0.7,
    "valid": None,
    "negated": False,
    "modality": None,
    "time": "in 1843",
    "valid_from": "1843",
    "valid_until": "1843",
    "superseded_by": None,
    "violates": None,
}
POSITIONS = {"relational": 19, "graph": 19, "vector": 19}

HANDLERS = {
    "entity_list": Handler(
        list_entities,
        "entities",
        "List entities.",
        raises=(400, 404),
        example={
            "entities": [
                {
                    "entity_id": "e1",
                    "name": "Ada Lovelace",
                    "type": "PERSON",
                    "mentions": 3,
                    "documents": 1,
                    "valid": None,
                }
            ],
            "next": None,
        },
    ),
    "relation_list": Handler(
        list_relations,
        "relations",
        "List relations.",
        raises=(400, 404),
        example={
            "relations": [RELATION],
            "next": None,
        },
    ),
    "chunk_list": Handler(
        list_chunks,
        "chunks",
        "List the chunks of a document.",
        raises=(400, 404),
        example={
            "chunks": [{"chunk_id": "5f0c", "start": 0, "end": 63, "tokens": 14, "text": PASSAGE["text"]}],
            "next": None,
        },
    ),
    "chunk_reader": Handler(
        read_chunk,
        "chunks",
        "Read a chunk with what stands around it.",
        raises=(404,),
        example={**PASSAGE, "citation": CITATION, "before": "", "after": ""},
    ),
    "entity_reader": Handler(
        read_entity,
        "entities",
        "Read an entity with its edges.",
        raises=(404,),
        example={
            "entity": ENTITY,
            "edges": [{"source": "Ada Lovelace", "label": "wrote", "target": "program"}],
        },
    ),
    "searcher": Handler(
        search,
        "search",
        "Search passages.",
        raises=(400, 404, 409),
        example={
            "passages": [{**PASSAGE, "score": 0.91, "citation": CITATION, "highlights": [[0, 12]]}],
            "next": None,
            "found": 1,
            "truncated": False,
            "facets": {"type": {"letter": 1}},
        },
    ),
    "document_with_entities": Handler(
        with_entities,
        "storage",
        "A document from all three databases.",
        raises=(404,),
        example={
            "result": {
                "document": {
                    "document_id": "articles/lovelace",
                    "title": "Ada Lovelace",
                    "uri": None,
                    "attributes": {},
                    "digest": "8b1a",
                    "characters": 63,
                    "bytes": 63,
                    "taken_at": "2026-01-05T10:00:00Z",
                    "stage": "processed",
                    "since": "2026-01-05T10:00:01Z",
                    "chunks": [],
                    "entities": [],
                    "relations": [],
                },
                "entities": [ENTITY],
                "chunks": [PASSAGE],
            },
            "positions": POSITIONS,
            "truncated": False,
        },
    ),
    "semantic_searcher": Handler(
        semantic_search,
        "storage",
        "Search by meaning and by attributes.",
        request={"query": "programs for machines", "filters": {"language": "en"}, "k": 5},
        example={"result": [{"passage": PASSAGE, "score": 0.63}], "positions": POSITIONS, "truncated": False},
    ),
    "graph_traverser": Handler(
        traverse,
        "storage",
        "Walk the graph.",
        request={"start_entities": ["Ada Lovelace"], "max_hops": 2},
        example={
            "result": [{"entity": ENTITY, "hops": 0}],
            "positions": {"graph": 19},
            "truncated": False,
        },
    ),
}
