"""The live generation, beside which others are built."""

from projections.graph.neo4j.generation import Neo4jGeneration
from projections.graph.neo4j.store import Neo4jGraphStore


class LiveNeo4jGraphStore(Neo4jGraphStore):
    """Implements `projections.store.LiveStore`."""

    def generation(self, purpose: str) -> Neo4jGeneration:
        """Another name with a generation of its own."""
        return Neo4jGeneration(self, purpose)
