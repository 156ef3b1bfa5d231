"""Documents outside of a caller's collections are not there for him; masked fields are neither shown nor found by."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.access import Permission
from contracts.event_types import EventType
from contracts.payload import Scalar
from eventstore.keys import AggregateKey
from projections.relational.reads import DocumentFilter, EntityFilter
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, NotFoundError
from services.storage.interface import StoreDocumentRequest
from services.storage.service import StorageService
from tests.projections.stories import Story, vector_of
from tests.support.access import allowed
from tests.support.knowledge import Knowledge, open_knowledge

HR = Story("hr-1", ("Ada met Bob.", "Bob sang."), title="Pay", tenant="ours", collection="hr")
SALES = Story("sales-1", ("Cleo met Dan.", "Dan sang."), title="Market", tenant="ours", collection="sales")
LOOSE = Story("loose", ("Eve met Fred.",), title="Loose", tenant="ours")
GONE = Story("gone-1", ("Gus met Hal.",), title="Gone", tenant="ours", collection="sales")
HIDDEN = (SALES, LOOSE, GONE)
ADA = Caller("ours", "ada", "test", FULL_ACCESS)
RESTING = ("search:*", "reasoning:*", "storage:*", "chunks:*", "relations:*", "entities:*", "events:*", "processing:*")


def only(*collections: str, masked: tuple[str, ...] = (), actions: tuple[str, ...] = ("read",)) -> Caller:
    """Somebody who may see these documents alone, and all that rests on documents."""
    documents = [
        Permission.model_validate(
            {"resource": "documents", "action": action, "collections": collections, "masked_fields": masked}
        )
        for action in actions
    ]
    return Caller("ours", "eve", "test", allowed(*documents, *RESTING, "dead_letters:*"))


EVE = only("hr", actions=("read", "write", "delete"))


def soon() -> Deadline:
    return Deadline.after(30)


@pytest.fixture
async def knowledge(dsn: str, tmp_path: Path) -> AsyncIterator[Knowledge]:
    async with open_knowledge(dsn, tmp_path) as opened:
        await opened.tell(HR, *HIDDEN)
        await opened.history.delete(GONE)
        await opened.follow()
        yield opened


async def ids(knowledge: Knowledge, caller: Caller, **wanted: object) -> list[str]:
    page = await knowledge.storage.listing.documents(
        caller,
        DocumentFilter(**wanted),  # type: ignore[arg-type]
        after=None,
        limit=10,
        deadline=soon(),
    )
    return [one.document_id for one in page.documents]


async def test_only_those_within_reach_are_listed(knowledge: Knowledge) -> None:
    assert await ids(knowledge, ADA) == ["hr-1", "loose", "sales-1"]
    assert await ids(knowledge, EVE) == ["hr-1"]
    assert await ids(knowledge, only("hr", "sales")) == ["hr-1", "sales-1"]
    for wanted in ({"id_prefix": "sales"}, {"title_prefix": "mar"}, {"attributes": {"collection": ["sales"]}}):
        assert await ids(knowledge, EVE, **wanted) == []
        assert await ids(knowledge, ADA, **wanted) == ["sales-1"]


WAYS: dict[str, Callable[[Knowledge, Caller, str], Awaitable[object]]] = {
    "show": lambda k, caller, name: k.storage.show.show(caller, [name], soon()),
    "get": lambda k, caller, name: k.storage.reading.get(caller, name, deadline=soon()),
    "status": lambda k, caller, name: k.storage.reading.status(caller, name, deadline=soon()),
    "chunks": lambda k, caller, name: k.storage.parts.chunks(caller, name, after=None, limit=5, deadline=soon()),
    "delete": lambda k, caller, name: k.storage.deletion.delete(
        caller, [[name]], reason=None, correlation_id="c", deadline=soon()
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_what_is_hidden_is_told_as_what_is_not_there(
    knowledge: Knowledge, way: Callable[[Knowledge, Caller, str], Awaitable[object]]
) -> None:
    with pytest.raises(NotFoundError) as missing:
        await way(knowledge, EVE, "nowhere")
    for story in HIDDEN:
        with pytest.raises(NotFoundError) as hidden:
            await way(knowledge, EVE, story.document_id)
        assert str(hidden.value) == str(missing.value).replace("nowhere", story.document_id)
    await way(knowledge, EVE, HR.document_id)


async def test_what_may_be_seen_but_not_deleted_is_denied(knowledge: Knowledge) -> None:
    clerk = Caller(
        "ours",
        "cy",
        "test",
        allowed("documents:read", Permission(resource="documents", action="delete", collections=("hr",))),
    )
    with pytest.raises(AccessDeniedError, match="only for hr"):
        await WAYS["delete"](knowledge, clerk, SALES.document_id)
    latest = await knowledge.history.reader.latest([AggregateKey("ours", "document", SALES.document_id)])
    assert [last.event_type for last in latest.values()] == [EventType.DOCUMENT_PROCESSED]


async def test_documents_are_written_within_reach_alone(knowledge: Knowledge) -> None:
    stores = knowledge.stores
    service = StorageService(knowledge.storage.intake, stores.reader, stores.read.models, stores.topics)

    async def store(document_id: str, collection: str | None) -> str:
        attributes: dict[str, Scalar] = {} if collection is None else {"collection": collection}
        request = StoreDocumentRequest(document_id, "T", "text", delivery_id=uuid4(), attributes=attributes)
        return (await service.store_document(EVE, request, soon())).outcome

    assert await store("new", "hr") == "ingested"
    assert await store(HR.document_id, "hr") == "updated"
    for document_id, collection in (
        ("other", "sales"),
        ("other", None),
        (HR.document_id, "sales"),
        (SALES.document_id, "hr"),
        (LOOSE.document_id, "hr"),
        (GONE.document_id, "hr"),
    ):
        with pytest.raises(AccessDeniedError, match="eve may not write"):
            await store(document_id, collection)
    await knowledge.follow()
    assert await ids(knowledge, ADA) == ["hr-1", "loose", "new", "sales-1"]


async def test_searches_and_answers_rest_on_what_is_within_reach(knowledge: Knowledge) -> None:
    ask = knowledge.ask
    for query in ("Dan sang", "Who met Dan?", "Cleo", "Eve met Fred", "Bob sang"):
        found = await ask.search(EVE, query, 10, soon())
        assert {one.document_id for one in found} == {"hr-1"}
        assert {one.document_id for one in await ask.search(ADA, query, 10, soon())} == {"hr-1", "loose", "sales-1"}
        answer = (await ask.ask(EVE, query, 5, soon())).answer
        assert {one.document_id for one in answer.sources} <= {"hr-1"}
        told = f"{answer.answer} {answer.chains}"
        assert not any(name in told for name in ("Cleo", "Dan", "Eve", "Fred", "Market", "Loose"))


async def test_who_sees_nothing_finds_nothing(knowledge: Knowledge) -> None:
    nobody = only("void")
    assert await ids(knowledge, nobody) == []
    assert await knowledge.ask.search(nobody, "Dan sang", 10, soon()) == []
    assert (await knowledge.ask.ask(nobody, "Who sang?", 5, soon())).answer.answer is None


async def test_answers_are_kept_for_those_alone_who_see_the_same(knowledge: Knowledge) -> None:
    question = "Who met Dan?"
    keys = {}
    for name, caller in (("all", ADA), ("hr", EVE), ("sales", only("sales")), ("hr too", replace(EVE, actor="gil"))):
        asked = await knowledge.ask.ask(caller, question, 5, soon())
        assert not asked.cached or name == "hr too"
        keys[name] = asked.key
        await knowledge.stores.read.answers.keep("ours", asked.key, asked.query_id)
    assert keys["hr"] == keys["hr too"] and len(set(keys.values())) == 3


async def test_a_document_that_changes_its_collection_is_gone_at_the_next_question(knowledge: Knowledge) -> None:
    before = (await knowledge.ask.ask(EVE, "Bob sang", 5, soon())).key
    await knowledge.tell(replace(HR, collection="sales"))
    assert await ids(knowledge, EVE) == [] and await knowledge.ask.search(EVE, "Bob sang", 5, soon()) == []
    assert (await knowledge.ask.ask(EVE, "Bob sang", 5, soon())).key != before


async def test_masked_fields_are_not_shown_nor_found_by(knowledge: Knowledge) -> None:
    caller = only("hr", masked=("title", "attributes.sentences"))
    page = await knowledge.storage.listing.documents(caller, DocumentFilter(), after=None, limit=5, deadline=soon())
    (row,) = page.documents
    assert (row.title, row.attributes) == ("", {"collection": "hr"})
    document = (await knowledge.storage.reading.get(caller, "hr-1", deadline=soon())).document
    assert (document.title, document.attributes) == ("", {"collection": "hr"}) and document.entities
    for wanted in ({"title_prefix": "p"}, {"attributes": {"sentences": [2]}}):
        assert await ids(knowledge, caller, **wanted) == []
        assert await ids(knowledge, EVE, **wanted) == ["hr-1"]
    assert await knowledge.ask.search(caller, "Bob sang", 5, soon()) == []


async def test_a_masked_text_takes_with_it_what_comes_from_it(knowledge: Knowledge) -> None:
    document = (await knowledge.storage.reading.get(only("hr", masked=("text",)), "hr-1", deadline=soon())).document
    assert (document.digest, document.characters, document.bytes) == ("", 0, 0)
    assert not document.chunks and not document.entities and not document.relations


async def test_waiting_tells_nothing_of_others(knowledge: Knowledge) -> None:
    awaited = await knowledge.storage.waiting.until_projected(EVE, ["hr-1", "sales-1", "loose"], deadline=soon())
    assert awaited.processed == 1 and not awaited.failed


@pytest.mark.parametrize(
    "asked",
    [
        lambda k: k.storage.listing.counts(EVE, deadline=soon()),
        lambda k: k.storage.listing.entities(EVE, EntityFilter(), after=None, limit=5, deadline=soon()),
        lambda k: k.storage.show.entity(EVE, "Dan", deadline=soon()),
        lambda k: k.storage.history.of(EVE, ["hr-1"], soon()),
        lambda k: k.storage.databases.graph_traversal(EVE, ["Bob"], 3, deadline=soon()),
        lambda k: k.storage.databases.document_with_entities(EVE, "hr-1", deadline=soon()),
        lambda k: k.storage.databases.semantic_search(
            EVE, SALES.embedder, vector_of("x", 8).tolist(), {"sentences": 2}, deadline=soon()
        ),
    ],
)
async def test_what_tells_of_all_documents_is_not_for_those_who_see_some(
    knowledge: Knowledge, asked: Callable[[Knowledge], Awaitable[object]]
) -> None:
    with pytest.raises(AccessDeniedError, match="they tell of all documents"):
        await asked(knowledge)


async def test_an_entity_is_not_shown_under_a_documents_name(knowledge: Knowledge) -> None:
    with pytest.raises(NotFoundError, match="there is no document and no entity 'Dan'"):
        await knowledge.storage.show.show(EVE, ["Dan"], soon())
