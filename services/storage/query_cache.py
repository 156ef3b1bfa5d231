"""Answers of cross-database queries (specification 3.2, QueryCache), kept by the content that they rest on.

An answer is kept under the content tags that its stores had before it was worked out, so it shows that content or newer
one. Once a store's content changes, its tag does, and the answer is not found any more: what is found is never stale.
Each tenant has a share of its own: who asks much pushes nobody else's answers out of it.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from telemetry import metrics

T = TypeVar("T")

ENTRIES = 256
"""Answers of one tenant."""
TENANTS = 64
ANSWER_BYTES = 256 * 1024
"""A larger answer is not kept."""

Tags = tuple[str, ...]
"""The content tags of the stores that a query asks, in the order of their names."""


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    tags: Tags
    answer: T
    size: int


class QueryCache(Generic[T]):
    """In the memory of one process; the answer that was not asked for longest goes first."""

    def __init__(self, max_bytes: int = 8 * 1024 * 1024) -> None:
        """`max_bytes`: of one tenant's answers."""
        self._max_bytes = max_bytes
        self._tenants: OrderedDict[str, OrderedDict[Hashable, _Kept[T]]] = OrderedDict()

    def get(self, tenant: str, query: Hashable, tags: Tags) -> T | None:
        """The answer that rests on this very content; None where there is none."""
        own = self._tenants.get(tenant)
        kept = own.get(query) if own is not None else None
        if own is None or kept is None:
            metrics.QUERY_CACHE.labels("absent").inc()
            return None
        if kept.tags != tags:
            del own[query]
            metrics.QUERY_CACHE.labels("outdated").inc()
            return None
        own.move_to_end(query)
        self._tenants.move_to_end(tenant)
        metrics.QUERY_CACHE.labels("found").inc()
        return kept.answer

    def put(self, tenant: str, query: Hashable, tags: Tags, answer: T, size: int) -> None:
        """Keep an answer of `size` bytes, about; one that is too large is not kept."""
        if size > min(ANSWER_BYTES, self._max_bytes):
            return
        own = self._tenants.setdefault(tenant, OrderedDict())
        self._tenants.move_to_end(tenant)
        own[query] = _Kept(tags, answer, size)
        own.move_to_end(query)
        while len(own) > ENTRIES or sum(kept.size for kept in own.values()) > self._max_bytes:
            own.popitem(last=False)
        while len(self._tenants) > TENANTS:
            self._tenants.popitem(last=False)
