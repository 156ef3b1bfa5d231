"""What a reader of tables gives: every row of a tenant once, in the columns that are documented, as of one moment."""

from collections.abc import Sequence
from typing import Any

import pytest

from contracts.ids import entity_id
from projections.exported import TableReader
from projections.projector import Projector
from tests.projections.contract.folding import follow
from tests.projections.history import History
from tests.projections.stories import Story

ONE = Story("one", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
TWO = Story("two", ("Cleo knew Dora.",), title="Market")
FOREIGN = Story("one", ("Ada met Zoe.",), title="Harbour", tenant="foreign")
MANY = Story("many", tuple(f"Nobody counted ship {number}." for number in range(1200)), title="Ships")


async def read(reader: TableReader, tenant: str, name: str) -> list[dict[str, Any]]:
    """A table's rows, by the names of their columns; as many as were told."""
    async with reader.opened(tenant, [name]) as (opened,):
        rows = [row async for batch in opened.batches for row in batch]
    assert len(rows) == opened.rows
    names = [column.name for column in opened.table.columns]
    return [dict(zip(names, row, strict=True)) for row in rows]


def pairs(rows: Sequence[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Of each row these columns."""
    return sorted(tuple(row[name] for name in names) for row in rows)


class ExportedGraphContract:
    """Subclasses provide `projector`, of the graph, and `reader` over the same store."""

    async def test_nodes_and_edges(self, projector: Projector, reader: TableReader, history: History) -> None:
        await history.tell(ONE, TWO, FOREIGN)
        await history.merge("Dora", "Cleo")
        await follow(projector, history)
        nodes = await read(reader, "default", "graph_nodes")
        chunks = [("passage", one.chunk_id, story.document_id) for story in (ONE, TWO) for one in story.chunks]
        entities = [
            ("entity", entity_id("default", name), name) for name in ("Ada", "Bob", "Cleo", "Harbour", "Market")
        ]
        assert pairs(nodes, "kind", "id", "title") == sorted(chunks + entities)
        assert {row["tenant"] for row in nodes} == {"default"}
        by_title = {row["title"]: row["passages"] for row in nodes if row["kind"] == "entity"}
        assert by_title["Bob"] == 2
        edges = await read(reader, "default", "graph_edges")
        stated = [one for story in (ONE, TWO) for one in story.related.relations]
        assert pairs([one for one in edges if one["kind"] == "states"], "source", "predicate", "target", "weight") == (
            sorted((one.subject_id, one.predicate, one.object_id, one.confidence) for one in stated)
        )
        named = {(one.chunk_id, one.entity_id) for story in (ONE, TWO) for one in story.extracted.mentions}
        assert {(one["source"], one["target"]) for one in edges if one["kind"] == "mentions"} == named
        assert all(isinstance(one["weight"], float) for one in edges)


class ExportedPassagesContract:
    """Subclasses provide `projector`, of the vector read model, and `reader` over the same store."""

    async def test_passages_with_their_vectors(
        self, projector: Projector, reader: TableReader, history: History
    ) -> None:
        await history.tell(ONE, FOREIGN)
        await follow(projector, history)
        rows = await read(reader, "default", "passages")
        assert pairs(rows, "document_id", "index", "text", "title", "model") == [
            ("one", at, sentence, "Harbour", ONE.embedder) for at, sentence in enumerate(ONE.sentences)
        ]
        for row in rows:
            chunk = ONE.chunks[row["index"]]
            assert (row["chunk_id"], row["start_at"], row["end_at"]) == (chunk.chunk_id, chunk.start, chunk.end)
            kept = ONE.outputs[chunk.input_digest]
            assert list(row["vector"]) == pytest.approx(list(_numbers(kept)))

    async def test_more_than_a_batch_in_a_fixed_order(
        self, projector: Projector, reader: TableReader, history: History
    ) -> None:
        await history.tell(MANY)
        await follow(projector, history)
        rows = await read(reader, "default", "passages")
        assert {row["chunk_id"] for row in rows} == {one.chunk_id for one in MANY.chunks} and len(rows) == 1200
        assert [row["chunk_id"] for row in rows] == sorted(row["chunk_id"] for row in rows)


def _numbers(raw: bytes) -> list[float]:
    import numpy as np

    return [float(one) for one in np.frombuffer(raw, dtype="<f2")]
