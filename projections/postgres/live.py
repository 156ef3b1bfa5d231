"""The live generation, beside which others are built."""

from projections.postgres.generation import PostgresGeneration
from projections.postgres.store import PostgresStore


class LivePostgresStore(PostgresStore):
    """Implements `projections.store.LiveStore`."""

    def generation(self, purpose: str) -> PostgresGeneration:
        """Another schema."""
        return PostgresGeneration(self, purpose)
