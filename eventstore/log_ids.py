"""What stands in the clear for ids and digests that say something of documents: streams, events, rows of outputs.

In a log with a secret it follows from the secret as well (HMAC-SHA256), so that who has the log without its keys and
guesses an id or a text cannot see whether the guess is right. A log that was begun before there was a secret has none,
and keeps its public rules for good. Aggregates whose events are in the clear, ids and all, have nothing to hide: their
streams follow the public rule in every log.
"""

import hashlib
import hmac
from functools import lru_cache
from uuid import UUID, uuid5

from contracts.ids import stream_id
from eventstore.keys import AggregateKey
from eventstore.sealed_events import SEALED_KINDS

REMEMBERED_STREAMS = 1 << 14


class LogIds:
    """Of one log; never changed. The secret is not to be got from it."""

    def __init__(self, secret: bytes | None) -> None:
        """`secret`: 32 random bytes of this log alone; None where it has none."""
        self._secret = secret
        self._sealed_stream = lru_cache(maxsize=REMEMBERED_STREAMS)(self._made)

    @property
    def fingerprint(self) -> bytes | None:
        """What tells secrets apart without saying them: 32 bytes; None without one."""
        return None if self._secret is None else hmac.digest(self._secret, b"annals log secret 1", "sha256")

    def stream(self, key: AggregateKey) -> UUID:
        """Name of an aggregate's stream in the event store: two aggregates, of whatever tenant and kind, never share
        one. With a secret a UUID of version 8 (RFC 9562), else of version 5."""
        if self._secret is None or key.kind not in SEALED_KINDS:
            return stream_id(*key)
        return self._sealed_stream(key)

    def contents(self, tenant: str, document_id: str) -> UUID:
        """What a document's texts and originals are sealed for."""
        return uuid5(self.stream(AggregateKey(tenant, "document", document_id)), "contents")

    def delivery(self, tenant: str, document_id: str, event_id: UUID) -> UUID:
        """Id of the event that a delivery of a document leads to; `event_id` is the one that its producer chose.

        Two tenants, or two documents, never share one, and no producer can choose it: ids of results are derived from
        it. A producer may derive its own from the document, so that the stream alone would not hide it.
        """
        stream = self.stream(AggregateKey(tenant, "document", document_id))
        if self._secret is None:
            return uuid5(stream, str(event_id))
        return _uuid8(hmac.digest(self._secret, b"annals delivery 1\x00" + stream.bytes + event_id.bytes, "sha256"))

    def digest(self, purpose: bytes, said: bytes) -> bytes:
        """32 bytes that follow from `said`, others for each purpose."""
        if self._secret is None:
            return hashlib.sha256(purpose + b"\x00" + said).digest()
        return hmac.digest(self._secret, purpose + b"\x00" + said, "sha256")

    def _made(self, key: AggregateKey) -> UUID:
        assert self._secret is not None
        named = f"annals stream 1\x00{key.tenant}\x00{key.kind}\x00{key.aggregate_id}"
        return _uuid8(hmac.digest(self._secret, named.encode(), "sha256"))


PUBLIC_IDS = LogIds(None)
"""Those of a log without a secret."""


def _uuid8(digest: bytes) -> UUID:
    """RFC 9562, version 8: 122 bits of the digest."""
    made = bytearray(digest[:16])
    made[6] = made[6] & 0x0F | 0x80
    made[8] = made[8] & 0x3F | 0x80
    return UUID(bytes=bytes(made))
