"""The bytes that documents were read from: beside the texts, once for each content, found by document and digest.

What is kept of a document goes with its deletion, in the same transaction (`0025_originals.sql`).
"""

import hashlib

from eventstore.pool import PostgresPool
from eventstore.sealed_contents import Content, SealedContents
from eventstore.stream_keys import StreamKeys


class OriginalStore:
    """Every method raises StoreUnavailableError when the database is away, and what `SealedContents` raises."""

    def __init__(self, pool: PostgresPool, keys: StreamKeys | None = None) -> None:
        """`keys` seal originals, and open those that are sealed."""
        self.contents = SealedContents(pool, "originals", keys)

    async def put(self, tenant: str, document_id: str, content: bytes) -> str:
        """Keep it, and return its digest (sha256, in hexadecimal); what is there already is left alone."""
        digest = hashlib.sha256(content)
        await self.contents.put_many([Content(tenant, document_id, digest.digest(), content)])
        return digest.hexdigest()

    async def get(self, tenant: str, document_id: str, digest: str) -> bytes | None:
        """What was kept, None where nothing was."""
        found = await self.contents.get_many([(tenant, document_id, bytes.fromhex(digest))])
        return found[0].content if found else None
