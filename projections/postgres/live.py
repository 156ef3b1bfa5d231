"""The live generation, beside which others are built."""

from eventstore.pool import acquire
from projections.postgres.generation import PostgresGeneration
from projections.postgres.store import PostgresStore
from projections.store import LiveGeneration


class LivePostgresStore(PostgresStore):
    """Implements `projections.store.LiveStore`."""

    @property
    def schema_version(self) -> int:
        """Of the generations that it makes."""
        return self.layout.schema_version

    async def live(self) -> LiveGeneration | None:
        """The one whose tables are there. Its id only the registry knows, which lies in the same database."""
        async with acquire(self.pool) as connection:
            found = await self.found_version(connection)
        return None if found is None else LiveGeneration(None, found)

    async def live_id(self) -> str | None:
        """The registry lies in the same database, and says it in the same step."""
        return None

    def generation(self, generation_id: str) -> PostgresGeneration:
        """Another schema."""
        return PostgresGeneration(self, generation_id)
