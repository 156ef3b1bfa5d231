"""What the embedders that served are called, by their revision."""

from eventstore.pool import PostgresPool, acquire


class EmbedderNames:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def keep(self, revision: str, name: str, name_revision: str | None) -> None:
        """Whoever needs the embedder of this revision finds it by this name, and the revision of that."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.embedders (revision, name, name_revision) VALUES ($1, $2, $3) "
                "ON CONFLICT (revision) DO UPDATE SET name = excluded.name, name_revision = excluded.name_revision",
                revision,
                name,
                name_revision,
            )

    async def find(self, revision: str) -> tuple[str, str | None] | None:
        """Name, and the revision of that where one was named; None where it never served."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                "SELECT name, name_revision FROM annals.embedders WHERE revision = $1", revision
            )
        return None if row is None else (row["name"], row["name_revision"])
