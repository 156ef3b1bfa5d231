"""The interface between a read model and the database that holds it."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from eventstore.keys import AggregateKey
from projections.changes import Change, Positions


class Generation(Protocol):
    """A read model being built beside the live one, in bulk."""

    async def load(self, changes: Sequence[Change]) -> None:
        """Take in aggregates that are not there yet."""
        ...

    async def finish(self, reached: Positions) -> None:
        """Derive what derives from rows, build indexes, remember the positions."""
        ...

    async def rows(self) -> int:
        """How many rows it has in all."""
        ...

    async def discard(self) -> None:
        """Drop it."""
        ...


class Store(Protocol):
    """Holds one read model. Methods raise StoreUnavailable when the database is away."""

    async def open(self) -> None:
        """Make the read model where there is none. Raises OldShapeError."""
        ...

    async def versions(self, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
        """Up to which version each aggregate is in the read model; those not there are left out."""
        ...

    async def positions(self) -> dict[tuple[str, int], int]:
        """How far it is in each partition."""
        ...

    async def write(self, changes: Sequence[Change], reached: Positions) -> None:
        """All changes and the positions, at once. Raises Outpaced when a `previous` is not what is there."""
        ...
