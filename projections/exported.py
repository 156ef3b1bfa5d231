"""Tables that a read model is exported as, with columns that stay, whatever it is kept in."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["text", "integer", "number", "boolean", "time", "json", "vector"]
"""`time` is a datetime with its zone, `json` is JSON as text, `vector` a list of numbers; each may be None."""
Batch = Sequence[Sequence[Any]]
"""Rows, with a value for each column."""

BATCH_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """One column; docs/read-models.md says what it is."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """One table of a read model."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class OpenedTable:
    """`rows` is how many there are; `batches` gives them in a fixed order, at most BATCH_ROWS at once."""

    table: ExportedTable
    rows: int
    batches: AsyncIterator[Batch]


class TableReader(Protocol):
    """Reads one generation of a read model as tables, a tenant's rows alone."""

    @property
    def tables(self) -> Sequence[ExportedTable]:
        """All that it has."""
        ...

    def opened(self, tenant: str, names: Sequence[str]) -> AbstractAsyncContextManager[Sequence[OpenedTable]]:
        """These tables, as they all are at one moment; read one behind the other, within the context.

        Raises StoreUnavailableError, and at its end or before ReadModelReplacedError where it was no one moment.
        """
        ...


def table(name: str, columns: str) -> ExportedTable:
    """From `name kind` for each column, by commas."""
    pairs = (one.split() for one in columns.split(","))
    return ExportedTable(name, tuple(Column(own, kind) for own, kind in pairs))  # type: ignore[arg-type]
