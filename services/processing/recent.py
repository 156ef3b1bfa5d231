"""Documents as this process left them, so that the next stage need not load what the one before has just decided."""

from collections import OrderedDict

from aggregates.document import Document
from eventstore.keys import AggregateKey

RECENT_BYTES = 16 * 1024 * 1024
"""All of them together, by the bytes of their texts; a document's state takes about as much as its text."""
LARGEST_BYTES = 64 * 1024
"""One with more text takes so long that loading it does not matter."""
OWN_BYTES = 2048
"""What a document takes beside what grows with its text."""


class RecentDocuments:
    """The last ones, bounded. Whoever asks compares the version with the log's: somebody else may have been at work."""

    def __init__(self, max_bytes: int = RECENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._documents: OrderedDict[AggregateKey, Document] = OrderedDict()
        self._bytes = 0

    def get(self, key: AggregateKey) -> Document | None:
        """Its state as it was left here, where that is known."""
        return self._documents.get(key)

    def keep(self, document: Document) -> None:
        """Its present state; that of longest ago gives way."""
        key = AggregateKey(document.tenant, "document", document.document_id)
        self.forget(key)
        if document.text.bytes > LARGEST_BYTES:
            return
        self._documents[key] = document
        self._bytes += _size(document)
        while self._bytes > self._max_bytes:
            _, oldest = self._documents.popitem(last=False)
            self._bytes -= _size(oldest)

    def forget(self, key: AggregateKey) -> None:
        """Know nothing of it."""
        known = self._documents.pop(key, None)
        if known is not None:
            self._bytes -= _size(known)


def _size(document: Document) -> int:
    return OWN_BYTES + document.text.bytes
