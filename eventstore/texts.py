"""Texts of documents: stored once for each content, outside the events, found by document and digest."""

import hashlib
from collections.abc import AsyncIterator, Sequence

from contracts.documents import TextReference
from contracts.limits import BATCH_BYTES
from eventstore.errors import MissingTextError
from eventstore.pages import page
from eventstore.pool import PostgresPool, acquire

TextKey = tuple[str, str, str]
"""Tenant, document id, digest."""
PAGE_ROWS = 1000
_OF_TENANT = page(
    "document_id, digest, content",
    size="octet_length(content)",
    source="annals.texts WHERE tenant = $1 AND (document_id, digest) > ($2, $3)",
    order="document_id, digest",
    rows="$4",
    max_bytes="$5",
)


class TextStore:
    """Content-addressed within a document. Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def put_many(self, texts: Sequence[tuple[str, str, str]]) -> list[TextReference]:
        """Keep (tenant, document id, text) triples; a text that is there already is left alone."""
        encoded = [text.encode() for _, _, text in texts]
        digests = [hashlib.sha256(raw) for raw in encoded]
        if texts:
            async with acquire(self._pool) as connection:
                await connection.execute(
                    "INSERT INTO annals.texts (tenant, document_id, digest, content) "
                    "SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) "
                    "ON CONFLICT DO NOTHING",
                    [tenant for tenant, _, _ in texts],
                    [document_id for _, document_id, _ in texts],
                    [digest.digest() for digest in digests],
                    encoded,
                )
        return [
            TextReference(digest=digest.hexdigest(), characters=len(text), bytes=len(raw))
            for (_, _, text), raw, digest in zip(texts, encoded, digests, strict=True)
        ]

    async def get_many(self, keys: Sequence[TextKey]) -> dict[TextKey, str]:
        """The texts for these keys. Raises MissingTextError naming the first that is not there."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT t.tenant, t.document_id, encode(t.digest, 'hex') AS digest, t.content FROM annals.texts AS t "
                "JOIN unnest($1::text[], $2::text[], $3::bytea[]) AS k(tenant, document_id, digest) "
                "USING (tenant, document_id, digest)",
                [tenant for tenant, _, _ in keys],
                [document_id for _, document_id, _ in keys],
                [bytes.fromhex(digest) for _, _, digest in keys],
            )
        found = {(row["tenant"], row["document_id"], row["digest"]): bytes(row["content"]).decode() for row in rows}
        missing = next((key for key in keys if key not in found), None)
        if missing is not None:
            raise MissingTextError(f"the text {missing[2]} of document {missing[1]} is not in the text store")
        return found

    async def of_tenant(self, tenant: str) -> AsyncIterator[tuple[str, str]]:
        """Document id and text of all that is kept, page by page: former versions, and of deleted documents, too."""
        last: tuple[str, bytes] = "", b""
        while True:
            async with acquire(self._pool) as connection:
                rows = await connection.fetch(_OF_TENANT, tenant, *last, PAGE_ROWS, BATCH_BYTES)
            if not rows:
                return
            for row in rows:
                yield row["document_id"], bytes(row["content"]).decode()
            last = rows[-1]["document_id"], bytes(rows[-1]["digest"])
