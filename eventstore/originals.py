"""The bytes that documents were read from: beside the texts, once for each content, found by document and digest.

What is kept of a document goes with its deletion, in the same transaction (`0025_originals.sql`).
"""

import hashlib

from eventstore.pool import PostgresPool, acquire


class OriginalStore:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def put(self, tenant: str, document_id: str, content: bytes) -> str:
        """Keep it, and return its digest (sha256, in hexadecimal); what is there already is left alone."""
        digest = hashlib.sha256(content)
        async with acquire(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.originals (tenant, document_id, digest, content) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT DO NOTHING",
                tenant,
                document_id,
                digest.digest(),
                content,
            )
        return digest.hexdigest()

    async def get(self, tenant: str, document_id: str, digest: str) -> bytes | None:
        """What was kept, None where nothing was."""
        async with acquire(self._pool) as connection:
            found = await connection.fetchval(
                "SELECT content FROM annals.originals WHERE tenant = $1 AND document_id = $2 AND digest = $3",
                tenant,
                document_id,
                bytes.fromhex(digest),
            )
        return None if found is None else bytes(found)
