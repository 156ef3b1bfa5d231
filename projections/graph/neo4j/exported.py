"""The graph in Neo4j as tables of nodes and edges."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from neo4j import AsyncTransaction

from projections.exported import BATCH_ROWS, Batch, ExportedTable, OpenedTable
from projections.graph.exported import EDGES, NODES
from projections.graph.neo4j.connection import BULK_LIMIT_S, Neo4jDriver, fetch, transaction
from projections.graph.neo4j.consistent import consistent_read
from projections.graph.neo4j.store import NAME

# One part of a table behind the other, each in an order that begins with an index's.
_ENTITIES = "MATCH (e:Entity {generation: $generation, tenant: $tenant}) WHERE e.merged_into IS NULL"
_PASSAGES = "MATCH (p:Passage {generation: $generation, tenant: $tenant})"
_MENTIONS = f"{_PASSAGES}-[r:MENTIONS]->(e)"
_STATEMENTS = "MATCH (e:Entity {generation: $generation, tenant: $tenant})-[r:RELATES]->(o)"
_PARTS = {
    NODES.name: (
        (_ENTITIES, "e.tenant, e.entity_id, 'entity', e.name, e.type, e.passages", "e.entity_id"),
        (_PASSAGES, "p.tenant, p.chunk_id, 'passage', p.document_id, null AS type, null AS passages", "p.chunk_id"),
    ),
    EDGES.name: (
        (
            _MENTIONS,
            "p.tenant, p.chunk_id, e.entity_id, 'mentions', null, p.document_id, toFloat(r.times)",
            "p.chunk_id, e.entity_id, r.name, r.type",
        ),
        (
            _STATEMENTS,
            "e.tenant, e.entity_id, o.entity_id, 'states', r.predicate, r.document_id, r.confidence",
            "e.entity_id, o.entity_id, r.predicate, r.document_id, r.relation_id",
        ),
    ),
}


class Neo4jTables:
    """Implements `projections.exported.TableReader` over the generation that `name` stands for."""

    def __init__(self, driver: Neo4jDriver, name: str = NAME) -> None:
        self._driver = driver
        self._name = name

    @property
    def tables(self) -> Sequence[ExportedTable]:
        """Nodes and edges."""
        return (NODES, EDGES)

    @contextlib.asynccontextmanager
    async def opened(self, tenant: str, names: Sequence[str]) -> AsyncIterator[Sequence[OpenedTable]]:
        """Raises ReadModelReplacedError at its end where the tenant's graph was written meanwhile: what was read is
        of no use then.
        """
        async with (
            consistent_read(self._driver, self._name, tenant) as generation,
            transaction(self._driver, BULK_LIMIT_S) as tx,
        ):
            at = {"generation": generation, "tenant": tenant}
            yield [await _opened(tx, table, at) for table in self.tables if table.name in names]


async def _opened(tx: AsyncTransaction, table: ExportedTable, at: dict[str, str]) -> OpenedTable:
    parts = _PARTS[table.name]
    counts = [(await fetch(tx, f"{match} RETURN count(*) AS n", **at))[0]["n"] for match, _, _ in parts]

    async def batches() -> AsyncIterator[Batch]:
        for match, row, order in parts:
            result = await tx.run(f"{match} RETURN {row} ORDER BY {order}", at)
            batch: list[list[Any]] = []
            async for record in result:
                batch.append(record.values())
                if len(batch) == BATCH_ROWS:
                    yield batch
                    batch = []
            if batch:
                yield batch

    return OpenedTable(table, sum(counts), batches())
