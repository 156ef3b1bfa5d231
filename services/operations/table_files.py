"""Rows of a table as a file: Parquet, CSV or JSON Lines. Written batch by batch, so that no table is held whole."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Literal, Protocol, get_args

from contracts.errors import AnnalsError
from projections.exported import Batch, ExportedTable, Kind

TableFormat = Literal["parquet", "csv", "jsonl"]
FORMATS: tuple[TableFormat, ...] = get_args(TableFormat)
GROUP_ROWS = 20_000
"""Of a row group of Parquet, which is held until it is whole."""
GROUP_VALUES = 4_000_000
"""The same for tables with vectors, by numbers that these have."""


class MissingParquetError(AnnalsError):
    """Parquet is written by pyarrow, which is not installed; install the extra `analyst`, or take csv or jsonl."""


class TableWriter(Protocol):
    """Raises OSError where the file cannot be written."""

    def write(self, batch: Batch) -> None:
        """More rows."""
        ...

    def close(self) -> None:
        """No more rows. The file itself stays open."""
        ...


def table_writer(file_format: TableFormat, table: ExportedTable, file: BinaryIO) -> TableWriter:
    """What writes rows of this table to a file. Raises MissingParquetError."""
    writers: dict[TableFormat, Callable[[ExportedTable, BinaryIO], TableWriter]] = {
        "parquet": _Parquet,
        "csv": _Csv,
        "jsonl": _Lines,
    }
    return writers[file_format](table, file)


class _Csv:
    """RFC 4180 with a header, UTF-8. What is None is empty; vectors are JSON."""

    def __init__(self, table: ExportedTable, file: BinaryIO) -> None:
        self._file = file
        self._kinds = [one.kind for one in table.columns]
        self._rows([[one.name for one in table.columns]])

    def write(self, batch: Batch) -> None:
        """More rows."""
        self._rows([[_cell(kind, value) for kind, value in zip(self._kinds, row, strict=True)] for row in batch])

    def close(self) -> None:
        """All is written."""

    def _rows(self, rows: Sequence[Sequence[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        self._file.write(text.getvalue().encode())


class _Lines:
    """A JSON object a line. Times are ISO 8601, JSON is itself, vectors are lists."""

    def __init__(self, table: ExportedTable, file: BinaryIO) -> None:
        self._file = file
        self._columns = table.columns

    def write(self, batch: Batch) -> None:
        """More rows."""
        lines = [
            json.dumps(
                {one.name: _json(one.kind, value) for one, value in zip(self._columns, row, strict=True)},
                ensure_ascii=False,
            )
            for row in batch
        ]
        self._file.write("".join(f"{line}\n" for line in lines).encode())

    def close(self) -> None:
        """All is written."""


class _Parquet:
    """Times are UTC in microseconds, JSON is text, vectors are lists of 32 bit numbers."""

    def __init__(self, table: ExportedTable, file: BinaryIO) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ModuleNotFoundError:
            raise MissingParquetError() from None
        self._arrow = pyarrow
        types = {
            "text": pyarrow.string(),
            "integer": pyarrow.int64(),
            "number": pyarrow.float64(),
            "boolean": pyarrow.bool_(),
            "time": pyarrow.timestamp("us", tz="UTC"),
            "json": pyarrow.string(),
            "vector": pyarrow.list_(pyarrow.float32()),
        }
        self._schema = pyarrow.schema([(one.name, types[one.kind]) for one in table.columns])
        self._vectors = [at for at, one in enumerate(table.columns) if one.kind == "vector"]
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._held: list[Any] = []
        self._size = 0

    def write(self, batch: Batch) -> None:
        """More rows, which are written once there are enough for a row group."""
        columns = [
            self._arrow.array([row[at] for row in batch], type=column.type) for at, column in enumerate(self._schema)
        ]
        self._held.append(self._arrow.RecordBatch.from_arrays(columns, schema=self._schema))
        numbers = sum(len(row[at] or ()) for row in batch for at in self._vectors)
        self._size += max(len(batch) * (GROUP_VALUES // GROUP_ROWS), numbers)
        if self._size >= GROUP_VALUES:
            self._flush()

    def close(self) -> None:
        """The last row group, and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(self._arrow.Table.from_batches(self._held, schema=self._schema))
        self._held, self._size = [], 0


def _cell(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    if kind == "time":
        return _iso(value)
    if kind == "boolean":
        return "true" if value else "false"
    return json.dumps(value) if kind == "vector" else str(value)


def _json(kind: Kind, value: Any) -> Any:
    if value is None or kind not in ("time", "json"):
        return value
    return _iso(value) if kind == "time" else json.loads(value)


def _iso(moment: datetime) -> str:
    return moment.isoformat()
