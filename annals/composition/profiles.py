"""The two profiles: which store holds which read model. The rest of Annals is the same in both."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from annals.composition.connections import ConnectionManager
from annals.composition.read_models import read_models
from contracts.ontology import Ontology
from eventstore.access_version import AccessVersion
from eventstore.generations import GenerationRegistry
from eventstore.outputs import ModelOutputs
from eventstore.texts import TextStore
from projections.answers.postgres import PostgresAnswers
from projections.answers.reads import AnswerCache
from projections.changes import ReadModel
from projections.exported import ExportedTable, TableReader
from projections.graph.exported import TABLES as GRAPH_TABLES
from projections.graph.model import LAYOUT as GRAPH
from projections.graph.postgres import PostgresGraph
from projections.graph.reads import GraphReader
from projections.postgres.exported import PostgresTables
from projections.postgres.live import LivePostgresStore
from projections.relational.exported import TABLES as RELATIONAL_TABLES
from projections.relational.model import LAYOUT as RELATIONAL
from projections.relational.postgres import PostgresRelational
from projections.relational.reads import RelationalReader
from projections.store import LiveStore
from projections.vector.exported import TABLES as VECTOR_TABLES
from projections.vector.model import MakeVectors
from projections.vector.postgres import PostgresPassages, VectorStore
from projections.vector.reads import PassageReader
from services.rate_limits import PostgresRateLimits, RedisRateLimits, RequestLimits


@dataclass(frozen=True)
class ReadSide:
    """Read models with their stores, and what reads them."""

    models: tuple[tuple[ReadModel, LiveStore], ...]
    relational: RelationalReader
    graph: GraphReader
    passages: PassageReader
    answers: AnswerCache
    limits: RequestLimits

    @property
    def in_postgres(self) -> list[str]:
        """The names of the read models that lie in PostgreSQL."""
        return [model.name for model, store in self.models if isinstance(store, LivePostgresStore)]


@dataclass(frozen=True)
class Readers:
    """What reads one generation of all read models."""

    relational: RelationalReader
    graph: GraphReader
    passages: PassageReader


def readers_of(connections: ConnectionManager, ontology: Ontology, ids: Mapping[str, str]) -> Readers:
    """Of the generations with these ids, by read model."""
    pool, servers = connections.postgres, connections.servers
    schema = LivePostgresStore(pool, RELATIONAL).beside(ids["relational"]).schema
    relational = PostgresRelational(pool, ontology, schema)
    if servers is None:
        return Readers(
            relational,
            PostgresGraph(pool, LivePostgresStore(pool, GRAPH).beside(ids["graph"]).schema),
            PostgresPassages(pool, VectorStore(pool).beside(ids["vector"]).schema),
        )
    # Two drivers that the embedded profile need not load.
    from projections.graph.neo4j.live import LiveNeo4jGraphStore
    from projections.graph.neo4j.reader import Neo4jGraph
    from projections.vector.opensearch.live import LiveOpenSearchVectorStore
    from projections.vector.opensearch.reader import OpenSearchPassages

    graph = LiveNeo4jGraphStore(servers.neo4j).generation(ids["graph"]).store
    vector = LiveOpenSearchVectorStore(servers.opensearch).generation(ids["vector"]).store
    return Readers(
        relational, Neo4jGraph(servers.neo4j, graph.name), OpenSearchPassages(servers.opensearch, vector.alias)
    )


def read_side(
    connections: ConnectionManager,
    texts: TextStore,
    outputs: ModelOutputs,
    access_version: AccessVersion,
    ontology: Ontology,
    index_memory_mb: int,
    vectors: MakeVectors,
) -> ReadSide:
    """Embedded: everything in PostgreSQL. Servers: graph in Neo4j, vectors in OpenSearch, cache and limits in Redis.

    `index_memory_mb` is of an index of vectors in PostgreSQL.
    """
    pool, servers = connections.postgres, connections.servers
    model, graph, vector = read_models(texts, outputs, vectors)
    relational = (model, LivePostgresStore(pool, RELATIONAL))
    if servers is None:
        return ReadSide(
            models=(
                relational,
                (graph, LivePostgresStore(pool, GRAPH)),
                (vector, VectorStore(pool, index_memory_mb=index_memory_mb)),
            ),
            relational=PostgresRelational(pool, ontology),
            graph=PostgresGraph(pool),
            passages=PostgresPassages(pool),
            answers=PostgresAnswers(pool),
            limits=PostgresRateLimits(pool, access_version),
        )
    # Three drivers that the embedded profile need not load.
    from projections.answers.redis import RedisAnswers
    from projections.graph.neo4j.live import LiveNeo4jGraphStore
    from projections.graph.neo4j.reader import Neo4jGraph
    from projections.vector.opensearch.live import LiveOpenSearchVectorStore
    from projections.vector.opensearch.reader import OpenSearchPassages

    return ReadSide(
        models=(
            relational,
            (graph, LiveNeo4jGraphStore(servers.neo4j, model_of=GenerationRegistry(pool).model_of)),
            (vector, LiveOpenSearchVectorStore(servers.opensearch, model_of=GenerationRegistry(pool).model_of)),
        ),
        relational=PostgresRelational(pool, ontology),
        graph=Neo4jGraph(servers.neo4j),
        passages=OpenSearchPassages(servers.opensearch),
        answers=RedisAnswers(servers.redis),
        limits=RedisRateLimits(servers.redis),
    )


def table_readers(
    connections: ConnectionManager, ids: Mapping[str, str] = MappingProxyType({})
) -> dict[str, TableReader]:
    """The read models as tables, by name: of the live generations, or of those with these `ids`, by read model."""
    pool, servers = connections.postgres, connections.servers

    def in_postgres(live: LivePostgresStore, tables: Mapping[ExportedTable, str]) -> TableReader:
        chosen = ids.get(live.layout.name)
        return PostgresTables(pool, tables, live.schema if chosen is None else live.beside(chosen).schema)

    readers = {"relational": in_postgres(LivePostgresStore(pool, RELATIONAL), RELATIONAL_TABLES)}
    if servers is None:
        return readers | {
            "graph": in_postgres(LivePostgresStore(pool, GRAPH), GRAPH_TABLES),
            "vector": in_postgres(VectorStore(pool), VECTOR_TABLES),
        }
    from projections.graph.neo4j.exported import Neo4jTables
    from projections.graph.neo4j.live import LiveNeo4jGraphStore
    from projections.vector.opensearch.exported import OpenSearchTables
    from projections.vector.opensearch.live import LiveOpenSearchVectorStore

    graph, vector = LiveNeo4jGraphStore(servers.neo4j), LiveOpenSearchVectorStore(servers.opensearch)
    return readers | {
        "graph": Neo4jTables(
            servers.neo4j, graph.generation(ids["graph"]).store.name if "graph" in ids else graph.name
        ),
        "vector": OpenSearchTables(
            servers.opensearch, vector.generation(ids["vector"]).store.alias if "vector" in ids else vector.name
        ),
    }
