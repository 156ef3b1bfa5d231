"""The interface between a read model and the database that holds it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol
from uuid import UUID

from eventstore.keys import AggregateKey
from eventstore.log_ids import LogIds
from eventstore.pool import Connection
from projections.changes import Change, Positions


class Snapshot(Protocol):
    """A read model as it is at one moment, for comparison."""

    async def versions(self) -> dict[AggregateKey, int]:
        """Up to which version each aggregate is there, deleted ones included."""
        ...

    async def positions(self) -> dict[tuple[str, int], int]:
        """How far it is in each partition."""
        ...

    async def digests(self) -> dict[str, str]:
        """For each part of it (a table, a label, an index) a digest of its rows, whatever their order."""
        ...

    def rows(self, part: str) -> AsyncIterator[str]:
        """The rows of one part as text, in a fixed order."""
        ...


class Store(Protocol):
    """Holds one generation of a read model. Methods raise StoreUnavailableError when the database is away."""

    async def open(self) -> None:
        """Make the read model where there is none. Raises OldSchemaError."""
        ...

    async def versions(self, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
        """Up to which version each aggregate is in the read model; those not there are left out."""
        ...

    async def positions(self) -> dict[tuple[str, int], int]:
        """How far it is in each partition."""
        ...

    async def content_tag(self, tenant: str) -> str:
        """A name for the tenant's present content; another one after every change of it."""
        ...

    async def write(self, changes: Sequence[Change], positions: Positions) -> None:
        """All changes and the positions, at once. Raises StaleVersionError when a `previous` is not what is there."""
        ...

    async def forget(self, keys: Sequence[AggregateKey]) -> None:
        """Have no version of these, as if they never were: of aggregates of which nothing else is there."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """It as it is now, while it may go on changing."""
        ...


class Copied(NamedTuple):
    """What a generation that began as another one holds: how far it is, and how many rows it has."""

    positions: Positions
    rows: int


class BuildProgress(NamedTuple):
    """How far a build is: the stream of the last aggregate that was loaded, the rows so far, whether it is finished."""

    last: UUID | None
    rows: int
    finished: bool


class Generation(Protocol):
    """A read model being built beside the live one, in bulk."""

    @property
    def store(self) -> Store:
        """Where it is being built."""
        ...

    @property
    def goes_back(self) -> bool:
        """Whether a write to it may lead an aggregate to an earlier version, or to none."""
        ...

    async def begin(self) -> None:
        """Empty; what an earlier try left is dropped."""
        ...

    async def begin_as(self, source: Store) -> "Copied | None":
        """With what another generation holds at one moment; to be written to as a store, not loaded into.

        None where its database copies nothing by itself, or the other one has another schema: `begin` then.
        """
        ...

    async def load(self, changes: Sequence[Change], ids: LogIds) -> int:
        """Take in aggregates that are not there yet, in the order of their streams, which `ids` names; returns the
        number of rows.

        The last of them is remembered in the same step (`progress`).
        """
        ...

    async def progress(self) -> BuildProgress | None:
        """How far the build is; whoever goes on with it asks first. None where there is nothing to go on with."""
        ...

    async def finish(self, positions: Positions) -> None:
        """Derive what derives from rows, build indexes, remember the positions. One that was broken off may be called
        again.
        """
        ...

    def switching(self, connection: Connection, former: str | None) -> AbstractAsyncContextManager[None]:
        """For the length of the block nobody writes the live one; at its end this is the live one.

        The one before then lies where the generation `former` does: where its server does not know its id, it gets this
        one. `connection`: of a transaction of the log's database; what lies there is switched by it, and so when it
        commits.

        When the block raises, the live one stays as it was and is written to again. Raises SwitchDeferredError where
        its writers give no turn in time; then it may be called again.
        """
        ...

    async def discard(self) -> None:
        """Drop it."""
        ...


class LiveGeneration(NamedTuple):
    """What is read now. `id`: where its server knows it; else the registry alone does."""

    id: str | None
    schema_version: int


class LiveStore(Store, Protocol):
    """Holds the generation that is read, and makes others beside it."""

    @property
    def schema_version(self) -> int:
        """Of the generations that it makes."""
        ...

    async def live(self) -> LiveGeneration | None:
        """The one that is read; None where there is none yet."""
        ...

    async def live_id(self) -> str | None:
        """The id of the one that is read, where its server knows it; else the registry alone does."""
        ...

    def generation(self, generation_id: str) -> Generation:
        """Another generation of the read model. What it is called where it lies is made of its id."""
        ...
