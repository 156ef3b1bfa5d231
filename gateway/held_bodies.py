"""How many bytes of requests' bodies the process holds: a limit for each request is none for all of them together."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.endpoint import MIB
from gateway.errors import BodiesHeldError

MOST_BYTES = 256 * MIB
TENANT_BYTES = 128 * MIB
"""Of one tenant: what is left is for the others."""


class HeldBodies:
    """Counts what has arrived, not what was announced: who sends slowly holds no more than he sent."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()
        self._all = 0

    @contextmanager
    def of(self, tenant: str) -> Iterator["HeldBody"]:
        """A request of this tenant, for as long as it runs."""
        held = HeldBody(self, tenant)
        try:
            yield held
        finally:
            held.are(0)

    def change(self, tenant: str, size: int) -> None:
        """So many bytes more, or less. Raises BodiesHeldError, and counts nothing, where they are too many."""
        if size > 0 and (self._all + size > MOST_BYTES or self._held[tenant] + size > TENANT_BYTES):
            raise BodiesHeldError()
        self._all += size
        self._held[tenant] += size
        if not self._held[tenant]:
            del self._held[tenant]


class HeldBody:
    """What one request holds of its body."""

    def __init__(self, all_of_them: HeldBodies, tenant: str) -> None:
        self._all, self._tenant, self._size = all_of_them, tenant, 0

    def are(self, size: int) -> None:
        """So many bytes now. Raises BodiesHeldError where there is no room for more."""
        self._all.change(self._tenant, size - self._size)
        self._size = size
