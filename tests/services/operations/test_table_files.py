"""Rows as Parquet, CSV and JSON Lines: what is read back is what was written, batch by batch and in flat memory."""

import csv
import io
import json
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet, total_allocated_bytes

from projections.exported import Batch, table
from services.operations import table_files as module
from services.operations.table_files import FORMATS, TableFormat, table_writer

TABLE = table("all", "a text, b integer, c number, d boolean, e time, f json, g vector")
NAMES = [column.name for column in TABLE.columns]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
TIMES = st.datetimes(
    min_value=datetime(1900, 1, 1),
    max_value=datetime(2200, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))]),
)
ROWS = st.lists(
    st.tuples(
        st.none() | TEXT,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.booleans(),
        st.none() | TIMES,
        st.none() | st.dictionaries(TEXT, st.integers(-100, 100)).map(json.dumps),
        st.none() | st.lists(st.floats(-1, 1, width=32), max_size=4),
    ),
    max_size=20,
)


def written(file_format: TableFormat, batches: Sequence[Batch]) -> bytes:
    """The file."""
    file = io.BytesIO()
    writer = table_writer(file_format, TABLE, file)
    for batch in batches:
        writer.write(batch)
    writer.close()
    return file.getvalue()


def from_parquet(raw: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(io.BytesIO(raw)).to_pylist()
    return rows


def from_jsonl(raw: bytes) -> list[dict[str, Any]]:
    # A line of JSON holds no line end of its own, whatever is in its texts.
    rows = [json.loads(line) for line in raw.decode().split("\n") if line]
    return [
        {
            **row,
            "e": None if row["e"] is None else datetime.fromisoformat(row["e"]),
            "f": None if row["f"] is None else json.dumps(row["f"]),
        }
        for row in rows
    ]


def from_csv(raw: bytes) -> list[dict[str, Any]]:
    kinds: dict[str, Callable[[str], Any]] = {
        "a": str,
        "b": int,
        "c": float,
        "d": lambda text: {"true": True, "false": False}[text],
        "e": datetime.fromisoformat,
        "f": str,
        "g": json.loads,
    }
    rows = csv.DictReader(io.StringIO(raw.decode(), newline=""))
    return [{name: None if row[name] == "" else kinds[name](row[name]) for name in NAMES} for row in rows]


READ = {"parquet": from_parquet, "jsonl": from_jsonl, "csv": from_csv}


@pytest.mark.parametrize("file_format", FORMATS)
@settings(max_examples=15)
@given(rows=ROWS, size=st.integers(1, 7))
def test_what_is_read_back_is_what_was_written(
    file_format: TableFormat, rows: list[tuple[Any, ...]], size: int
) -> None:
    batches = [rows[at : at + size] for at in range(0, len(rows), size)]
    found = READ[file_format](written(file_format, batches))
    expected = [dict(zip(NAMES, row, strict=True)) for row in rows]
    if file_format == "csv":
        # An empty text and none are the same there.
        expected = [{**row, "a": row["a"] or None} for row in expected]
    assert found == expected


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_table_without_rows_has_its_columns(file_format: TableFormat) -> None:
    raw = written(file_format, [])
    if file_format == "parquet":
        assert parquet.read_schema(io.BytesIO(raw)).names == NAMES
    else:
        assert raw.decode() == ("" if file_format == "jsonl" else "a,b,c,d,e,f,g\r\n")


class _Nowhere(io.RawIOBase):
    """Forgets what is written to it."""

    size = 0

    def writable(self) -> bool:
        return True

    def write(self, raw: Any) -> int:
        self.size += len(raw)
        return len(raw)


@pytest.mark.parametrize("file_format", FORMATS)
def test_no_more_is_held_for_more_rows(file_format: TableFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP_VALUES", 40_000)
    row = ("x" * 200, 1, 0.5, True, datetime(2026, 1, 1, tzinfo=UTC), "{}", [0.5] * 100)
    batch = [row] * 50

    def peak(batches: int) -> int:
        most = 0
        writer = table_writer(file_format, TABLE, _Nowhere())  # type: ignore[arg-type]
        tracemalloc.start()
        for _ in range(batches):
            writer.write(batch)
            most = max(most, total_allocated_bytes() + tracemalloc.get_traced_memory()[0])
        writer.close()
        tracemalloc.stop()
        return most

    peak(1)
    few = peak(15)
    # 30 batches more are some 2 MB; what else Python holds meanwhile is some KiB.
    assert peak(45) < 1.3 * few + 100_000
