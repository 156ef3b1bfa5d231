"""The graph in Neo4j, row by row, for comparison."""

import hashlib
import json
from collections.abc import AsyncIterator

from neo4j import AsyncTransaction

from eventstore.keys import AggregateKey
from projections.graph.neo4j.connection import fetch

# Rows come in the order of their values. An index gives the first of them, as long as the order begins with all that
# the index has; then Neo4j sorts only what one passage or one entity has, and nothing waits for the whole. Conditions
# that always hold are what a composite index asks for.
_PASSAGE = """
MATCH (p:Passage {generation: $generation}) WHERE p.tenant IS NOT NULL AND p.chunk_id IS NOT NULL
"""
_ENTITY = """
MATCH (e:Entity {generation: $generation}) WHERE e.tenant IS NOT NULL AND e.entity_id IS NOT NULL
"""
PARTS = {
    "documents": """
MATCH (d:Document {generation: $generation}) WHERE d.tenant IS NOT NULL AND d.document_id IS NOT NULL
RETURN d.tenant, d.document_id, d.collection
ORDER BY d.generation, d.tenant, d.document_id
""",
    # The edge to the next passage is part of the row, else nobody would miss it.
    "passages": f"""
{_PASSAGE} AND p.index IS NOT NULL
RETURN p.tenant, p.chunk_id, p.document_id, p.index,
    COLLECT {{ MATCH (p)-[:NEXT]->(n) RETURN n.chunk_id ORDER BY n.chunk_id }} AS next
ORDER BY p.generation, p.tenant, p.chunk_id
""",
    "mentions": f"""
{_PASSAGE} MATCH (p)-[r:MENTIONS]->(e)
RETURN p.tenant, p.chunk_id, e.entity_id, r.name, r.type, r.times, p.document_id
ORDER BY p.generation, p.tenant, p.chunk_id, e.entity_id, r.name, r.type, r.times
""",
    "subjects": f"""
{_PASSAGE} MATCH (p)-[r:ABOUT]->(e)
RETURN p.tenant, p.chunk_id, e.entity_id, r.name, r.quality, p.document_id
ORDER BY p.generation, p.tenant, p.chunk_id, e.entity_id, r.name, r.quality
""",
    "relations": f"""
{_ENTITY} MATCH (e)-[r:RELATES]->(o)
RETURN e.tenant, e.entity_id, r.relation_id, r.document_id, r.subject, r.predicate, o.entity_id, r.object, r.chunk_id,
    r.start_at, r.end_at, r.confidence, r.modality, r.time, r.valid_from, r.valid_until
ORDER BY e.generation, e.tenant, e.entity_id, r.relation_id, r.document_id, r.subject, r.predicate, o.entity_id,
    r.object, r.chunk_id, r.start_at, r.end_at, r.confidence, r.modality, r.time, r.valid_from, r.valid_until
""",
    "decisions": f"""
{_ENTITY} AND e.decided
RETURN e.tenant, e.entity_id, e.decided_name, e.decided_type, e.merged_into, e.valid, e.given_names
ORDER BY e.generation, e.tenant, e.entity_id
""",
    "entities": f"""
{_ENTITY}
RETURN e.tenant, e.entity_id, e.name, e.type, e.passages, e.merged_into, e.valid
ORDER BY e.generation, e.tenant, e.entity_id
""",
    "entity_names": f"""
{_ENTITY} UNWIND range(0, size(e.names) - 1) AS i
WITH e, e.names[i] AS name, e.name_types[i] AS type, e.name_times[i] AS times
RETURN e.tenant, e.entity_id, name, type, times
ORDER BY e.generation, e.tenant, e.entity_id, name, type, times
""",
    "versions": """
MATCH (a:Aggregate {generation: $generation}) WHERE a.tenant IS NOT NULL AND a.kind IS NOT NULL AND a.id IS NOT NULL
RETURN a.tenant, a.kind, a.id, a.version
ORDER BY a.generation, a.tenant, a.kind, a.id
""",
}

_POSITIONS = """
MATCH (p:Position {generation: $generation}) WHERE p.topic IS NOT NULL AND p.partition IS NOT NULL
RETURN p.topic AS topic, p.partition AS partition, p.position AS position
"""


class Neo4jSnapshot:
    """Implements `projections.store.Snapshot` over one generation; who asks sees to it that nobody wrote meanwhile."""

    def __init__(self, tx: AsyncTransaction, generation: str) -> None:
        self._tx = tx
        self._generation = generation

    async def versions(self) -> dict[AggregateKey, int]:
        """Up to which version each aggregate is there."""
        rows = await fetch(self._tx, PARTS["versions"], generation=self._generation)
        return {AggregateKey(*row[:3]): row[3] for row in rows}

    async def positions(self) -> dict[tuple[str, int], int]:
        """How far it is in each partition."""
        rows = await fetch(self._tx, _POSITIONS, generation=self._generation)
        return {(row["topic"], row["partition"]): row["position"] for row in rows}

    async def digests(self) -> dict[str, str]:
        """For each part the number of its rows and the sum of their hashes. Cypher has no hash: the rows come here."""
        return {part: await self._digest(part) for part in PARTS}

    async def rows(self, part: str) -> AsyncIterator[str]:
        """The rows of a part as JSON, in the order of their values."""
        result = await self._tx.run(PARTS[part], generation=self._generation)
        async for record in result:
            yield json.dumps(record.values(), ensure_ascii=False, separators=(",", ":"))

    async def _digest(self, part: str) -> str:
        count = total = 0
        async for row in self.rows(part):
            count += 1
            total += int.from_bytes(hashlib.blake2b(row.encode(), digest_size=16).digest())
        return f"{count}:{total % 2**128:032x}"
