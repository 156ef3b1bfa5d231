"""The live generation, beside which others are built."""

from projections.graph.neo4j.connection import alone
from projections.graph.neo4j.generation import Neo4jGeneration
from projections.graph.neo4j.store import SCHEMA_VERSION, Neo4jGraphStore
from projections.store import LiveGeneration

_LIVE = """
MATCH (m:ReadModel {name: $name}) WHERE m.generation IS NOT NULL
RETURN m.generation AS generation, m.schema_version AS schema_version
"""


class LiveNeo4jGraphStore(Neo4jGraphStore):
    """Implements `projections.store.LiveStore`."""

    @property
    def schema_version(self) -> int:
        """Of the generations that it makes."""
        return SCHEMA_VERSION

    async def live(self) -> LiveGeneration | None:
        """The one that the name stands for."""
        rows = await alone(self.driver, _LIVE, name=self.name)
        return LiveGeneration(rows[0]["generation"], rows[0]["schema_version"] or 0) if rows else None

    async def live_id(self) -> str | None:
        """The same, by its id."""
        live = await self.live()
        return None if live is None else live.id

    def generation(self, generation_id: str) -> Neo4jGeneration:
        """Another name with a generation of its own."""
        return Neo4jGeneration(self, generation_id)
