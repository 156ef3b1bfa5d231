"""Readers of another generation in PostgreSQL: every read is of that generation, whatever became of the live one."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from contracts.ids import entity_id
from eventstore.pool import PostgresPool
from projections.graph.postgres import PostgresGraph
from projections.graph.reads import GraphReader, Node
from projections.postgres.generation_reads import of_generation
from projections.postgres.store import PostgresStore
from projections.projector import Projector
from projections.relational.postgres import PostgresRelational
from projections.relational.reads import DocumentFilter, EntityFilter, RelationalReader, RelationFilter
from projections.vector.postgres import PostgresPassages
from projections.vector.reads import PassageReader
from projections.vector.text_query import Literal, TextQuery
from tests.projections.contract.folding import follow
from tests.projections.history import History
from tests.projections.models import open_model
from tests.projections.stories import Story, digest, vector_of

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour", collection="open")
MARKET = Story("market", ("Cleo knew Dora.", "Dora sang."), title="Market", collection="closed")
LATE = Story("late", ("Edgar sleeps.",), title="Late", collection="open")
TENANT, OPEN = "default", frozenset({"open"})
ADA, BOB = entity_id(TENANT, "Ada"), entity_id(TENANT, "Bob")
CHUNKS = [chunk.chunk_id for story in (HARBOUR, MARKET) for chunk in story.chunks]
VECTOR = vector_of("Harbour\nAda met Bob.", 8)
WRONG = MARKET.related.relations[0]

Calls = Mapping[str, Sequence[tuple[Any, ...]]]
RELATIONAL: Calls = {
    "counts": [(TENANT,), (TENANT, OPEN)],
    "unprocessed": [(TENANT, 9), (TENANT, 9, OPEN)],
    "document": [(TENANT, "harbour"), (TENANT, "harbour", OPEN)],
    "with_attributes": [(TENANT, {"sentences": 2}, 9), (TENANT, {}, None, OPEN)],
    "filter_statistics": [(TENANT, {"sentences": 2}, 9), (TENANT, {"sentences": 2}, 9, OPEN)],
    "having": [(TENANT, ["harbour", "market"], {"sentences": 2})],
    "named": [(TENANT, [ADA, BOB])],
    "list_documents": [(TENANT, DocumentFilter(), None, 9), (TENANT, DocumentFilter(stage="processed"), None, 9)],
    "list_entities": [(TENANT, EntityFilter(), None, 9), (TENANT, EntityFilter(collections=OPEN), None, 9)],
    "list_relations": [(TENANT, RelationFilter(entity_id=BOB), None, 9)],
    "called_wrong": [(TENANT, [WRONG.chunk_id])],
    "wrong_tag": [(TENANT,)],
    "rejected_question": [(TENANT, digest("ferry"))],
    "called_right": [(TENANT, [HARBOUR.related.relations[0].relation_id])],
    "list_chunks": [(TENANT, "harbour", None, 9)],
    "collection": [(TENANT, "harbour")],
}
GRAPH: Calls = {
    "content_tag": [(TENANT,)],
    "visible_tag": [(TENANT,)],
    "named": [(TENANT, ["harbour"], 9)],
    "mentioned": [(TENANT, ["ada", "bob"], 9)],
    "around": [(TENANT, CHUNKS)],
    "spread": [(TENANT, [ADA, BOB])],
    "snapshot": [(TENANT,)],
    "find": [(TENANT, ["Ada", "Bob"])],
    "entities": [(TENANT, [ADA, BOB])],
    "entities_in": [(TENANT, "harbour")],
    "neighbours": [(TENANT, Node("entity", BOB))],
    "paths": [(TENANT, Node("entity", BOB), Node("passage", CHUNKS[0]))],
    "k_hops": [(TENANT, [Node("entity", BOB)], 2)],
}
VECTORS: Calls = {
    "content_tag": [(TENANT,)],
    "nearest": [(TENANT, HARBOUR.embedder, VECTOR, 9), (TENANT, HARBOUR.embedder, VECTOR, 9, None, ["open"])],
    "compared": [(TENANT, HARBOUR.embedder, VECTOR, CHUNKS)],
    "models": [(), (TENANT,)],
    "matching": [(TENANT, "Ada Bob", 9), (TENANT, "Ada", 9, None, ["open"]), (TENANT, "Ada", 9, ["harbour"])],
    "frequencies": [(TENANT, ["Ada", "Bob"])],
    "passages": [(TENANT, CHUNKS)],
    "all_passages": [(TENANT,)],
    "full_text": [
        (TENANT, TextQuery("Ada"), 9),
        (TENANT, TextQuery(present=(Literal(("ada", "met")),)), 9),
        (TENANT, TextQuery(absent=(Literal(("ada",)),)), 9),
    ],
    "of_document": [(TENANT, "harbour")],
}


def rows_of(pool: PostgresPool, schema: str | None = None) -> RelationalReader:
    """Of a generation."""
    return PostgresRelational(pool, schema=schema)


READERS: dict[str, tuple[str, Any, Any, Calls]] = {
    "rows": ("relational", rows_of, RelationalReader, RELATIONAL),
    "graph": ("graph", PostgresGraph, GraphReader, GRAPH),
    "passages": ("vector", PostgresPassages, PassageReader, VECTORS),
}


async def answers(reader: Any, calls: Calls) -> dict[str, list[str]]:
    """What every read says."""
    return {name: [repr(await getattr(reader, name)(*given)) for given in calls[name]] for name in calls}


@pytest.mark.parametrize("name", READERS)
async def test_every_read_is_of_its_generation(history: History, name: str) -> None:
    model, made, interface, calls = READERS[name]
    reads = {own for own, _ in inspect.getmembers(interface, inspect.isfunction) if not own.startswith("_")}
    assert set(calls) == reads, "a read that is not asked here"
    live = await open_model(model, history)
    await history.tell(HARBOUR, MARKET)
    await history.merge("Ada", "Bob")
    await history.judge_relation(HARBOUR, HARBOUR.related.relations[0].relation_id, valid=True)
    await history.judge_relation(MARKET, WRONG.relation_id, valid=False)
    await history.ask("ferry", chains=["Ada -> Bob"])
    await history.judge_chain("ferry", valid=False)
    await history.ingest(LATE)
    await live.everything()
    then = await answers(made(history.pool), calls)
    assert isinstance(live.store, PostgresStore)
    past = live.store.beside("past")
    await past.open()
    await follow(Projector(live.model, past, history.reader), history)

    bound = await answers(made(history.pool, past.schema), calls)
    for story in (HARBOUR, MARKET, LATE):
        await history.delete(story)
    await history.undo("Ada")
    await history.judge_chain("ferry", valid=None)
    await live.everything()
    assert await answers(made(history.pool, past.schema), calls) == bound
    now = await answers(made(history.pool), calls)
    tags = {"content_tag", "visible_tag"}
    for read in calls:
        if read not in tags:
            assert bound[read] == then[read], read
        assert now[read] != bound[read], f"{read} says the same of both"


def test_a_statement_names_the_tables_of_its_generation_alone() -> None:
    said = "SELECT d.id FROM graph.documents AS d JOIN x.graph.y ON paragraph.a = 'graph' AND public.halfvec(graph.z)"
    assert of_generation(said, "graph", "graph_past") == (
        "SELECT d.id FROM graph_past.documents AS d JOIN x.graph.y ON paragraph.a = 'graph' "
        "AND public.halfvec(graph_past.z)"
    )
