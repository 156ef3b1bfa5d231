"""`annals export MODEL`: every read model as files, asked with DuckDB, and what is refused."""

import csv
import io
import json
from pathlib import Path

import duckdb
import pytest

from tests.annals.conftest import Up
from tests.annals.pipeline import called, given


def number(query: str) -> int:
    """The one number that a query gives."""
    ((found,),) = duckdb.execute(query).fetchall()
    return int(found)


def test_every_read_model_is_exported_and_asked(up: Up, tmp_path: Path) -> None:
    for model, tables in (
        ("relational", {"documents", "chunks", "entities", "mentions", "relations", "questions"}),
        ("graph", {"graph_nodes", "graph_edges"}),
        ("vector", {"passages"}),
    ):
        written = given(up.data, "export", model, "--format", "parquet", "--to", str(tmp_path))
        assert set(written["tables"]) == tables
        for name, one in written["tables"].items():
            assert one["file"] == str(tmp_path / f"{name}.parquet")
            assert number(f"SELECT count(*) FROM '{one['file']}'") == one["rows"]
    counts = given(up.data, "status")
    assert number(f"SELECT count(*) FROM '{tmp_path}/documents.parquet'") == counts["documents"]
    joined = f"'{tmp_path}/passages.parquet' JOIN '{tmp_path}/chunks.parquet' USING (chunk_id)"
    assert number(f"SELECT count(*) FROM {joined}") == counts["chunks"]


def test_a_table_to_standard_output(up: Up) -> None:
    lines = called(up.data, "export", "relational", "documents", "--format", "jsonl", "--to", "-").stdout
    found = {one["document_id"]: one for one in map(json.loads, lines.splitlines())}
    tarrow = found[str(up.articles / "tarrow.md")]
    assert tarrow["stage"] == "processed" and isinstance(tarrow["attributes"], dict)
    table = called(up.data, "export", "relational", "documents", "--format", "csv", "--to", "-").stdout
    assert {row["document_id"] for row in csv.DictReader(io.StringIO(table))} == set(found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("relational",), "a read model needs --format"),
        (("relational", "documents"), "a read model needs --format"),
        (("--format", "csv"), "name the read model"),
        (("tables", "--format", "csv"), "name the read model"),
        (("graph", "--to", "x"), "--format is missing"),
        (("graph", "--format", "csv", "--to", "-"), "standard output takes one table"),
        (("graph", "graph_nodes", "--format", "csv", "--to", "-", "--json"), "both want standard output"),
        (("graph", "--format", "csv", "--no-outputs"), "--keys and --no-outputs are of the event store"),
        (("graph", "--format", "csv", "--keys", "k"), "--keys and --no-outputs are of the event store"),
        (("--at", "monday"), "name the read model"),
        (("events.jsonl", "--at", "monday"), "name the read model"),
        (("graph", "--at", "monday"), "--format is missing"),
    ],
)
def test_what_cannot_be_is_refused(up: Up, arguments: tuple[str, ...], said: str) -> None:
    refused = called(up.data, "export", *arguments)
    assert refused.exit_code == 2 and said in refused.stderr


def test_a_table_or_a_folder_that_is_not_there_is_named(up: Up, tmp_path: Path) -> None:
    refused = called(up.data, "export", "graph", "nodes", "--format", "csv", "--to", str(tmp_path))
    assert refused.exit_code == 1 and "no table 'nodes'; name graph_nodes, graph_edges" in refused.stderr
    (tmp_path / "file").write_text("")
    refused = called(up.data, "export", "graph", "--format", "csv", "--to", str(tmp_path / "file"))
    assert refused.exit_code == 1 and "cannot be written" in refused.stderr
