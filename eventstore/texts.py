"""Texts of documents: stored once for each content, outside the events, found by document and digest."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence

from contracts.batches import batches
from contracts.documents import TextReference
from contracts.limits import BATCH_BYTES
from eventstore.errors import MissingTextError
from eventstore.pages import page
from eventstore.pool import PostgresPool, acquire
from eventstore.sealed_contents import Content, SealedContents, length_of
from eventstore.stream_keys import StreamKeys

TextKey = tuple[str, str, str]
"""Tenant, document id, digest."""
PAGE_ROWS = 1000
_OF_TENANT = page(
    "tenant, document_id, digest, content, key_id",
    size=length_of("content"),
    source="annals.texts WHERE tenant = $1 AND (document_id, digest) > ($2, $3)",
    order="document_id, digest",
    rows="$4",
    max_bytes="$5",
)


class TextStore:
    """Content-addressed within a document. Every method raises StoreUnavailableError when the database is away.

    Raises MasterKeyError, UnknownKeyError, DecryptionError where texts that are sealed cannot be opened.
    """

    def __init__(self, pool: PostgresPool, keys: StreamKeys | None = None) -> None:
        """`keys` seal texts, and open those that are sealed."""
        self._pool = pool
        self.contents = SealedContents(pool, "texts", keys)

    async def put_many(self, texts: Sequence[tuple[str, str, str]]) -> list[TextReference]:
        """Keep (tenant, document id, text) triples; a text that is there already is left alone."""
        encoded = [text.encode() for _, _, text in texts]
        digests = [hashlib.sha256(raw) for raw in encoded]
        await self.contents.put_many(
            [
                Content(tenant, document_id, digest.digest(), raw)
                for (tenant, document_id, _), raw, digest in zip(texts, encoded, digests, strict=True)
            ]
        )
        return [
            TextReference(digest=digest.hexdigest(), characters=len(text), bytes=len(raw))
            for (_, _, text), raw, digest in zip(texts, encoded, digests, strict=True)
        ]

    async def get_many(self, keys: Sequence[TextKey]) -> dict[TextKey, str]:
        """The texts for these keys. Raises MissingTextError naming the first that is not there."""
        asked = [(tenant, document_id, bytes.fromhex(digest)) for tenant, document_id, digest in keys]
        found = _texts(await self.contents.get_many(asked))
        missing = next((key for key in keys if key not in found), None)
        if missing is not None:
            raise MissingTextError(f"the text {missing[2]} of document {missing[1]} is not in the text store")
        return found

    async def kept(self, keys: Sequence[TextKey]) -> AsyncIterator[dict[TextKey, str]]:
        """Those of these texts that are there, as many at a time as have BATCH_BYTES, or a single one."""
        asked = [(tenant, document_id, bytes.fromhex(digest)) for tenant, document_id, digest in keys]
        sizes = await self.contents.sizes(asked) if asked else {}
        for some in batches(sizes, sizes.__getitem__):
            yield _texts(await self.contents.get_many(some))

    async def of_tenant(self, tenant: str) -> AsyncIterator[tuple[str, str]]:
        """Document id and text of all that is kept, page by page: former versions, and of deleted documents, too."""
        last: tuple[str, bytes] = "", b""
        while True:
            async with acquire(self._pool) as connection:
                rows = await connection.fetch(_OF_TENANT, tenant, *last, PAGE_ROWS, BATCH_BYTES)
            if not rows:
                return
            for one in await self.contents.opened(rows):
                yield one.document_id, one.content.decode()
            last = rows[-1]["document_id"], bytes(rows[-1]["digest"])


def _texts(contents: Iterable[Content]) -> dict[TextKey, str]:
    return {(one.tenant, one.document_id, one.digest.hex()): one.content.decode() for one in contents}
