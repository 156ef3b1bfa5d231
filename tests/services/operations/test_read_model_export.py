"""A read model to files: for whoever may see everything, whole or not there, begun anew where it has to be."""

import contextlib
import io
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pytest

from projections.errors import ReadModelReplacedError
from projections.exported import Batch, ExportedTable, OpenedTable, TableReader, table
from projections.graph.exported import TABLES as GRAPH
from projections.relational.exported import TABLES as RELATIONAL
from projections.vector.exported import TABLES as VECTOR
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError
from services.operations import archive_files
from services.operations.read_model_export import RESOURCES, TRIES, ExportReadModels
from services.past.generations import UnknownGenerationError
from tests.services.test_visibility import only
from tests.support.access import allowed

ADA = Caller("ours", "ada", "test", FULL_ACCESS)
TABLES = (table("documents", "document_id text"), table("chunks", "chunk_id text"))


class Tables(TableReader):
    """Two tables; the first times it is read they are written meanwhile."""

    tables = TABLES

    def __init__(self, overtaken: int = 0) -> None:
        self.overtaken = overtaken
        self.asked: list[tuple[str, Sequence[str]]] = []

    @contextlib.asynccontextmanager
    async def opened(self, tenant: str, names: Sequence[str]) -> AsyncIterator[Sequence[OpenedTable]]:
        self.asked.append((tenant, names))
        yield [OpenedTable(one, 3, self._batches(one)) for one in TABLES if one.name in names]
        if len(self.asked) <= self.overtaken:
            raise ReadModelReplacedError()

    async def _batches(self, one: ExportedTable) -> AsyncIterator[Batch]:
        yield [[f"{one.name}-1"], [f"{one.name}-2"]]
        yield [[f"{one.name}-3 of try {len(self.asked)}"]]


async def tables_at(model: str, name: str, _: Deadline) -> TableReader:
    """There is no past here."""
    raise UnknownGenerationError(f"no {model} of {name}")


async def export(reader: Tables, folder: Path, *names: str, caller: Caller = ADA, again: bool = True) -> list[int]:
    """How many rows were told."""
    told: list[int] = []

    @contextlib.contextmanager
    def into(one: ExportedTable) -> Iterator[BinaryIO]:
        with archive_files.written(folder / f"{one.name}.csv") as raw:
            yield raw

    await ExportReadModels({"relational": reader}, tables_at).export(
        caller,
        "relational",
        names,
        file_format="csv",
        into=into,
        again=again,
        begin=lambda _: told.append,
        deadline=Deadline.after(20),
    )
    return told


async def test_every_table_or_those_that_are_named(tmp_path: Path) -> None:
    reader = Tables()
    assert await export(reader, tmp_path) == [2, 3, 5, 6]
    assert (tmp_path / "chunks.csv").read_text() == "chunk_id\nchunks-1\nchunks-2\nchunks-3 of try 1\n"
    await export(reader, tmp_path, "chunks")
    assert (tmp_path / "chunks.csv").read_text().endswith("of try 2\n")
    assert reader.asked == [("ours", ["documents", "chunks"]), ("ours", ["chunks"])]


async def test_it_begins_anew_where_the_read_model_was_written_meanwhile(tmp_path: Path) -> None:
    await export(Tables(overtaken=TRIES - 1), tmp_path, "chunks")
    assert f"of try {TRIES}" in (tmp_path / "chunks.csv").read_text()


@pytest.mark.parametrize("again", [True, False])
async def test_of_what_was_no_one_moment_there_is_no_file(tmp_path: Path, again: bool) -> None:
    reader = Tables(overtaken=99)
    with pytest.raises(ReadModelReplacedError):
        await export(reader, tmp_path, again=again)
    assert os.listdir(tmp_path) == [] and len(reader.asked) == (TRIES if again else 1)


async def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="no table 'things'; name documents, chunks"):
        await export(Tables(), tmp_path, "things")
    with pytest.raises(InvalidRequestError, match="no read model 'x'; name relational"):
        await ExportReadModels({"relational": Tables()}, tables_at).export(
            ADA,
            "x",
            [],
            file_format="csv",
            into=lambda _: contextlib.nullcontext(io.BytesIO()),
            deadline=Deadline.after(20),
        )


async def test_whoever_may_not_see_everything_exports_nothing(tmp_path: Path) -> None:
    """All tables tell of all documents; each is besides of a resource of its own."""
    assert {one.name for one in (*RELATIONAL, *GRAPH, *VECTOR)} == set(RESOURCES)
    reader = Tables()
    for caller in (only("hr"), only("hr", masked=("uri",)), Caller("ours", "eve", "test", allowed("chunks:read"))):
        with pytest.raises(AccessDeniedError):
            await export(reader, tmp_path, "chunks", caller=caller)
    partly = Caller("ours", "eve", "test", allowed("documents:read"))
    with pytest.raises(AccessDeniedError, match="chunks"):
        await export(reader, tmp_path, caller=partly)
    await export(reader, tmp_path, "documents", caller=partly)
    assert len(reader.asked) == 1
