"""Documents outside of a caller's collections are not there for him; masked fields are neither shown nor found by."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from annals.composition.operations import operations_of
from annals.composition.storage import intake_of
from contracts.access import Permission
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from contracts.ids import entity_id
from contracts.payload import Scalar
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.keys import AggregateKey
from projections.relational.reads import Counts, DocumentFilter, EntityFilter
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, NotFoundError
from services.operations.dead_letters import DeadLetterService
from services.operations.events import EventPage, ReadEvents
from services.operations.reprocessing import Reprocessed
from services.search.results import SearchRequest
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


async def found(knowledge: Knowledge, caller: Caller, query: str) -> set[str]:
    """Documents of what a search finds."""
    page = await knowledge.search.search(caller, SearchRequest(query), after=None, limit=10, deadline=soon())
    return {one.passage.document_id for one in page.passages}


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
    latest = await knowledge.history.reader.last.of([AggregateKey("ours", "document", SALES.document_id)])
    assert [last.event_type for last in latest.values()] == [EventType.DOCUMENT_PROCESSED]


async def test_documents_are_written_within_reach_alone(knowledge: Knowledge) -> None:
    stores = knowledge.stores
    service = StorageService(intake_of(stores), stores.reader, stores.read.models, stores.topics)

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
    for query in ("Dan sang", "Who met Dan?", "Cleo", "Eve met Fred", "Bob sang"):
        assert await found(knowledge, EVE, query) == {"hr-1"}
        assert await found(knowledge, ADA, query) == {"hr-1", "loose", "sales-1"}
        answer = (await knowledge.ask.ask(EVE, query, 5, soon())).answer
        assert {one.document_id for one in answer.sources} <= {"hr-1"}
        told = f"{answer.answer} {answer.chains}"
        assert not any(name in told for name in ("Cleo", "Dan", "Eve", "Fred", "Market", "Loose"))


async def test_who_sees_nothing_finds_nothing(knowledge: Knowledge) -> None:
    nobody = only("void")
    assert await ids(knowledge, nobody) == []
    assert await found(knowledge, nobody, "Dan sang") == set()
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
    assert await ids(knowledge, EVE) == [] and await found(knowledge, EVE, "Bob sang") == set()
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
    assert await found(knowledge, caller, "Bob sang") == set()


async def test_a_masked_text_takes_with_it_what_comes_from_it(knowledge: Knowledge) -> None:
    document = (await knowledge.storage.reading.get(only("hr", masked=("text",)), "hr-1", deadline=soon())).document
    assert (document.digest, document.characters, document.bytes) == ("", 0, 0)
    assert not document.chunks and not document.entities and not document.relations


async def test_waiting_tells_nothing_of_others(knowledge: Knowledge) -> None:
    awaited = await knowledge.storage.waiting.until_projected(EVE, ["hr-1", "sales-1", "loose"], deadline=soon())
    assert awaited.processed == 1 and not awaited.failed


async def test_counts_and_entities_are_of_what_is_within_reach(knowledge: Knowledge) -> None:
    listing = knowledge.storage.listing
    assert await listing.counts(EVE, deadline=soon()) == Counts(1, 2, 3, 1, 0)
    assert await listing.counts(only("void"), deadline=soon()) == Counts(0, 0, 0, 0, 0)
    assert await listing.counts(only("hr", masked=("text",)), deadline=soon()) == Counts(1, 0, 0, 0, 0)

    async def names(caller: Caller, name_prefix: str = "") -> list[str]:
        found: list[str] = []
        after: str | None = None
        while True:
            page = await listing.entities(
                caller, EntityFilter(name_prefix=name_prefix), after=after, limit=2, deadline=soon()
            )
            found += [one.name for one in page.entities]
            after = page.next
            if after is None:
                return found

    assert await names(EVE) == ["Ada", "Bob", "Pay"]
    assert await names(EVE, "d") == [] and await names(ADA, "d") == ["Dan"]
    assert await names(only("sales")) == ["Cleo", "Dan", "Market"]
    assert await names(only("void")) == [] == await names(only("hr", masked=("text",)))


async def test_an_entity_is_there_as_what_may_be_seen_has_it(knowledge: Knowledge) -> None:
    show = knowledge.storage.show
    seen = await show.entity(EVE, "Bob", deadline=soon())
    await knowledge.tell(Story("sales-2", ("BOB met Dan.", "BOB met BOB."), tenant="ours", collection="sales"))
    assert await show.entity(EVE, "Bob", deadline=soon()) == seen
    assert await show.show(EVE, ["Bob"], soon()) == seen
    assert (await show.entity(ADA, "Bob", deadline=soon())).entity.passages > seen.entity.passages
    with pytest.raises(NotFoundError) as missing:
        await show.entity(EVE, "nobody", deadline=soon())
    for name in ("Dan", entity_id("ours", "Dan"), "Gus"):
        with pytest.raises(NotFoundError) as hidden:
            await show.entity(EVE, name, deadline=soon())
        assert str(hidden.value) == str(missing.value).replace("nobody", name)


async def test_walks_go_along_what_may_be_seen(knowledge: Knowledge) -> None:
    await knowledge.tell(Story("sales-2", ("Bob met Dan.",), title="", tenant="ours", collection="sales"))

    async def walked(caller: Caller, start: str, limit: int = 100) -> tuple[list[tuple[str, int]], bool]:
        found = await knowledge.storage.databases.graph_traversal(caller, [start], 8, limit, deadline=soon())
        return [(one.entity.name, one.hops) for one in found.result], found.truncated

    assert await walked(EVE, "Bob") == ([("Bob", 0), ("Ada", 1), ("Pay", 2)], False)
    assert await walked(EVE, "Bob", 5) == ([("Bob", 0), ("Ada", 1), ("Pay", 2)], False)
    assert "Dan" in dict((await walked(ADA, "Bob"))[0])
    assert await walked(EVE, "Dan") == await walked(EVE, "nobody") == ([], False)
    assert await walked(only("sales"), "Bob") != await walked(EVE, "Bob"), "nothing is kept for somebody else"


async def test_a_document_with_its_entities_within_reach(knowledge: Knowledge) -> None:
    databases = knowledge.storage.databases
    found = (await databases.document_with_entities(EVE, "hr-1", deadline=soon())).result
    assert {one.name for one in found.entities} == {"Ada", "Bob", "Pay"} and len(found.chunks) == 2
    for masked, title, entities in (("uri", "Pay", 3), ("title", "", 0), ("text", "Pay", 0)):
        caller = only("hr", masked=(masked,))
        found = (await databases.document_with_entities(caller, "hr-1", deadline=soon())).result
        assert (found.document.title, len(found.entities), bool(found.chunks)) == (title, entities, entities > 0)
    with pytest.raises(NotFoundError) as missing:
        await databases.document_with_entities(EVE, "nowhere", deadline=soon())
    for story in HIDDEN:
        with pytest.raises(NotFoundError) as hidden:
            await databases.document_with_entities(EVE, story.document_id, deadline=soon())
        assert str(hidden.value) == str(missing.value).replace("nowhere", story.document_id)


async def test_searches_by_meaning_find_what_is_within_reach(knowledge: Knowledge) -> None:
    databases, vector = knowledge.storage.databases, vector_of("Dan sang.", 8).tolist()

    async def documents(caller: Caller, filters: dict[str, object], k: int = 10) -> list[str]:
        found = await databases.semantic_search(caller, HR.embedder, vector, filters, k, deadline=soon())
        assert not found.truncated
        return sorted({one.passage.document_id for one in found.result})

    assert await documents(ADA, {}) == ["hr-1", "loose", "sales-1"]
    assert await documents(EVE, {}) == await documents(EVE, {}, 1) == await documents(EVE, {"sentences": 2}) == ["hr-1"]
    assert await documents(EVE, {"collection": "sales"}) == [] == await documents(only("void"), {})
    hidden = only("hr", masked=("attributes.sentences",))
    assert await documents(hidden, {"sentences": 2}) == [] and await documents(hidden, {}) == ["hr-1"]
    plan = await databases.explain_semantic_search(EVE, {"collection": "sales"}, deadline=soon())
    assert "0 of 1 documents" in plan.reason, "others are not counted"


async def test_events_are_those_of_documents_within_reach(knowledge: Knowledge) -> None:
    await knowledge.history.rename("Dan", "Daniel", tenant="ours")
    asked_of = {"q1": (), "q2": ("hr-1",), "q3": ("hr-1", "sales-1"), "q4": ("sales-1", "gone-1"), "q5": ("nowhere",)}
    for query_id, resting in asked_of.items():
        await knowledge.history.ask(query_id, tenant="ours", documents=resting)
    await knowledge.history.ask("q6", tenant="ours", documents=("hr-1",), steps=("sales-1",))
    await knowledge.history.ask("q7", tenant="theirs", documents=("hr-1",))
    events = ReadEvents(knowledge.stores.reader, knowledge.stores.shown_positions, knowledge.stores.follower)

    async def documents(caller: Caller) -> set[str]:
        page = await events.after(caller, after=None, limit=100, deadline=soon())
        batches = [batch async for batch in events.tail(caller, after=0, deadline=Deadline.after(1))]
        assert tuple(event for batch in batches for event in batch.events) == page.events
        return {event.aggregate_id for event in page.events}

    assert await documents(EVE) == {"hr-1", "q2"} and await documents(only("sales")) == {"sales-1", "gone-1", "q4"}
    assert await documents(only("hr", "sales")) == {"hr-1", "sales-1", "gone-1", "q2", "q3", "q4", "q6"}
    assert await documents(only("void")) == set() == await documents(only("hr", masked=("uri",)))
    assert await documents(ADA) > {"hr-1", "sales-1", "gone-1", "loose"}
    counted = await events.count_by_type(EVE, deadline=soon())
    assert counted == dict.fromkeys(sorted(counted), 1) and len(counted) == 7

    for event in await knowledge.history.all():
        asked = (
            events.get(EVE, event.event_id, deadline=soon()),
            events.of_aggregate(EVE, event.kind, event.aggregate_id, after=None, limit=9, deadline=soon()),
            events.of_request(EVE, event.correlation_id, after=None, limit=9, deadline=soon()),
        )
        for told in await asyncio.gather(*asked, return_exceptions=True):
            if event.aggregate_id in ("hr-1", "q2"):
                assert not isinstance(told, BaseException)
            elif isinstance(told, EventPage):
                assert all(one.aggregate_id in ("hr-1", "q2") for one in told.events)
            else:
                assert isinstance(told, NotFoundError)


async def test_histories_are_those_of_documents_within_reach(knowledge: Knowledge) -> None:
    history = knowledge.storage.history
    assert len((await history.of(EVE, ["sales-1", "hr-1"], soon())).events) == 5
    with pytest.raises(NotFoundError) as missing:
        await history.of(EVE, ["nowhere"], soon())
    await knowledge.history.ask("of hr", tenant="ours", documents=["hr-1"])
    await knowledge.history.ask("of both", tenant="ours", documents=["hr-1", "sales-1"])
    assert len((await history.of(EVE, ["nowhere", "of hr"], soon())).events) == 2
    for name in ("sales-1", "loose", "gone-1", "of both"):
        with pytest.raises(NotFoundError) as hidden:
            await history.of(EVE, [name], soon())
        assert str(hidden.value) == str(missing.value).replace("nowhere", name)


async def test_what_may_be_written_is_reprocessed_and_nothing_else(knowledge: Knowledge) -> None:
    """What may not be written is told as what is not there; what may not be seen does not stand still either."""
    stores = knowledge.stores
    service = operations_of(stores, None).reprocess
    begun = {"new-hr": "hr", "new-sales": "sales"}
    storage = StorageService(intake_of(stores), stores.reader, stores.read.models, stores.topics)
    for document_id, collection in begun.items():
        request = StoreDocumentRequest(
            document_id, "T", "text", delivery_id=uuid4(), attributes={"collection": collection}
        )
        await storage.store_document(ADA, request, soon())
    await knowledge.follow()
    asked = (*begun, "hr-1", "sales-1", "nowhere")
    done = await service.reprocess(EVE, asked, deadline=soon())
    assert done == Reprocessed(asked=("new-hr",), finished=("hr-1",), unknown=("new-sales", "sales-1", "nowhere"))
    assert (await service.reprocess(only("hr"), asked, deadline=soon())).unknown == asked, "he may read, and not write"
    everything = await service.reprocess(ADA, asked, deadline=soon())
    assert everything.asked == tuple(begun) and everything.unknown == ("nowhere",)

    assert await service.unfinished(EVE, deadline=soon()) == ["new-hr"]
    assert sorted(await service.unfinished(ADA, deadline=soon())) == sorted(begun)
    assert await service.unfinished(only("void"), deadline=soon()) == []
    assert await service.named(EVE, [["nowhere", "new-hr"]], deadline=soon()) == ["new-hr"]
    with pytest.raises(NotFoundError) as missing:
        await service.named(EVE, [["nowhere"]], deadline=soon())
    with pytest.raises(NotFoundError) as hidden:
        await service.named(EVE, [["new-sales"]], deadline=soon())
    assert str(hidden.value) == str(missing.value).replace("nowhere", "new-sales")


async def test_dead_letters_are_those_of_documents_within_reach(knowledge: Knowledge) -> None:
    """One is of a document by its event: an entity may be called as a document is. An inbox's is of what it names."""
    letters = DeadLetters(knowledge.stores.pool)
    await knowledge.history.rename("Dan", "Daniel", tenant="ours")
    named = Story(entity_id("ours", "Dan"), ("Bob sang.",), tenant="ours", collection="hr")
    await knowledge.tell(named)
    events = [event for event in await knowledge.history.all() if event.event_type != EventType.DOCUMENT_DELETED]
    first = {event.aggregate_id + event.kind: event for event in reversed(events)}
    messages = [
        DeadLetter("inbox", name, "t", 0, 9, None, None, "E", "c", tenant=tenant, aggregate_id=name)
        for tenant, name in (("ours", "hr-1"), ("ours", "sales-1"), ("ours", "nowhere"), ("theirs", "hr-1"))
    ]
    messages.append(replace(messages[0], consumer="graph", identity="of no event"))
    await letters.add([*(_letter_of(event, number) for number, event in enumerate(first.values())), *messages])
    service = DeadLetterService(letters)

    async def listed(caller: Caller) -> dict[int, str | None]:
        found = await service.newest(caller, None, 100, all_tenants=False, deadline=soon())
        assert found.of_no_tenant == 0
        return {one.id or 0: one.aggregate_id for one in found.letters}

    seen, everything = await listed(EVE), await listed(ADA)
    assert sorted(map(str, seen.values())) == sorted(["hr-1", "hr-1", named.document_id])
    assert len(everything) == len(first) + 4 and await listed(only("void")) == {}
    hidden = sorted(everything.keys() - seen.keys())
    for letter_id in (*hidden, 10**6):
        with pytest.raises(NotFoundError, match=f"there is no dead letter {letter_id}; see"):
            await service.get(EVE, letter_id, all_tenants=False, deadline=soon())
    assert await service.drop(EVE, hidden, "no", all_tenants=False, deadline=soon()) == ()
    retried = await service.retry(EVE, hidden, all_tenants=False, deadline=soon())
    assert retried.missing == tuple(hidden) and retried.letters == ()
    retried = await service.retry(EVE, None, all_tenants=False, deadline=Deadline.after(0.3))
    assert {one.letter_id for one in retried.letters} == seen.keys()
    dropped = await service.drop(EVE, list(everything), "mine", all_tenants=False, deadline=soon())
    assert dropped == tuple(reversed(seen))


def _letter_of(event: DomainEvent, number: int) -> DeadLetter:
    return DeadLetter(
        consumer="chunking",
        identity=f"letter {number}",
        topic="t",
        partition=0,
        offset=number,
        key=None,
        value=None,
        error="E",
        cause="c",
        tenant="ours",
        aggregate_id=event.aggregate_id,
        event_id=str(event.event_id),
    )


async def test_an_entity_is_not_shown_under_a_documents_name(knowledge: Knowledge) -> None:
    with pytest.raises(NotFoundError, match="there is no document, no chunk and no entity 'Dan'"):
        await knowledge.storage.show.show(EVE, ["Dan"], soon())
