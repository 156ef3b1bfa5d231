"""A read model of a tenant to files that analysts' tools read."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO

from projections.errors import ReadModelReplacedError
from projections.exported import ExportedTable, OpenedTable, TableReader
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError
from services.operations.archive_files import write_faults
from services.operations.table_files import TableFormat, TableWriter, table_writer

TRIES = 5
RESOURCES = {
    "documents": "documents",
    "chunks": "chunks",
    "entities": "entities",
    "mentions": "entities",
    "relations": "relations",
    "questions": "reasoning",
    "graph_nodes": "entities",
    "graph_edges": "relations",
    "passages": "chunks",
}
"""What somebody has to be allowed to read, by table."""

Into = Callable[[ExportedTable], AbstractContextManager[BinaryIO]]
Report = Callable[[int], None]
TablesAt = Callable[[str, str, Deadline], Awaitable[TableReader]]
"""The tables of a read model in the generation of a name, as `services.past.tables` has them."""


@dataclass(frozen=True, slots=True)
class ExportedRows:
    """A table that was written, and how many rows it has."""

    table: str
    rows: int


class ExportReadModels:
    """For whoever may see all documents: the tables tell of all of them.

    Raises AccessDeniedError, InvalidRequestError, StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(self, live: Mapping[str, TableReader], tables_at: TablesAt) -> None:
        """`live` by read model."""
        self._live = live
        self._tables_at = tables_at

    async def export(
        self,
        caller: Caller,
        model: str,
        names: Sequence[str],
        *,
        at: str | None = None,
        file_format: TableFormat,
        into: Into,
        again: bool = True,
        begin: Callable[[int], Report] = lambda _: lambda _: None,
        deadline: Deadline,
    ) -> list[ExportedRows]:
        """Write these tables of a read model, or all of them, as they are at one moment.

        `at`: of the generation of this name, without one of the live one; rights are the caller's of today.
        `into` opens the file of a table; it gets its name once all of them are whole. `begin` is told how many rows
        there are, what it gives how many are written. `again`: begin anew where the read model was written meanwhile,
        as a store without snapshots asks for. Raises ArchiveError, MissingParquetError, ReadModelReplacedError,
        UnknownGenerationError, IncompleteGenerationError.
        """
        caller.require_everything("documents", "read")
        reader = self._of_live(model)
        wanted = _wanted(model, reader.tables, names)
        for name in wanted:
            caller.require_everything(RESOURCES[name], "read")
        if at is not None:
            reader = await self._tables_at(model, at, deadline)
        async with deadline.enforce("the export"):
            for left in reversed(range(TRIES if again else 1)):
                try:
                    return await _written(reader, caller.tenant, wanted, file_format, into, begin)
                except ReadModelReplacedError:
                    if not left:
                        raise
        raise AssertionError("the last try gives or raises")

    def _of_live(self, model: str) -> TableReader:
        if model not in self._live:
            raise InvalidRequestError(f"there is no read model {model!r}; name {', '.join(self._live)}")
        return self._live[model]


async def _written(
    reader: TableReader,
    tenant: str,
    names: Sequence[str],
    file_format: TableFormat,
    into: Into,
    begin: Callable[[int], Report],
) -> list[ExportedRows]:
    # Files are renamed once the reader has said that it was one moment.
    with contextlib.ExitStack() as files:
        async with reader.opened(tenant, names) as opened:
            report, done, found = begin(sum(one.rows for one in opened)), 0, []
            for one in opened:
                writer = table_writer(file_format, one.table, files.enter_context(into(one.table)))
                rows = await _copied(one, writer, done, report)
                found.append(ExportedRows(one.table.name, rows))
                done += rows
    return found


async def _copied(opened: OpenedTable, writer: TableWriter, done: int, report: Report) -> int:
    rows = 0
    async for batch in opened.batches:
        with write_faults():
            await asyncio.to_thread(writer.write, batch)
        rows += len(batch)
        report(done + rows)
    with write_faults():
        await asyncio.to_thread(writer.close)
    return rows


def _wanted(model: str, tables: Sequence[ExportedTable], names: Sequence[str]) -> list[str]:
    known = [one.name for one in tables]
    wrong = next((name for name in names if name not in known), None)
    if wrong is not None:
        raise InvalidRequestError(f"the read model {model} has no table {wrong!r}; name {', '.join(known)}")
    return [name for name in known if name in names or not names]
