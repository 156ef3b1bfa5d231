"""Erasing: nothing is left of a document, and the log and the read models are as if it had never been."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from annals.composition.storage import intake_of
from annals.composition.stream_roles import resolution_of
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.ids import chunk_id, entity_id, stream_id
from eventstore.chained_events import ChainedEvents
from eventstore.generations import RegisteredGeneration
from eventstore.keys import AggregateKey
from eventstore.log_ids import PUBLIC_IDS
from eventstore.originals import OriginalStore
from eventstore.outputs import row_of
from eventstore.receipts import Delivery, InboxReceipts
from eventstore.sealed_contents import hidden
from projections.relational.entity_lookup import EntityLookup
from projections.replay import replay
from projections.verify import verify
from security.access import FULL_ACCESS
from security.event_chain import LogCheck
from services.caller import Caller
from services.deadline import Deadline, DeadlineExceededError
from services.errors import AccessDeniedError, NotFoundError
from services.knowledge.entities import EntityService
from services.storage.erasing import Erasure
from services.storage.intake import Submission
from tests.projections.contract.folding import digests
from tests.projections.stories import Story, digest
from tests.support.access import allowed
from tests.support.knowledge import Knowledge, open_knowledge

CALLER = Caller("default", "ada", "test", FULL_ACCESS)
SECRETS = ("Wilhelmina", "Ottokar", "Zagreb", "cellar", "letters/secret", "Geheim")
SECRET = Story(
    "letters/secret.md", ("Wilhelmina met Ottokar.", "Zagreb has a cellar.", "Ada met Ottokar."), title="Geheim"
)
KEPT = (Story("kept", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour"), Story("other", ("Cleo sang.",)))


@pytest.fixture
async def knowledge(dsn: str, tmp_path: Path) -> AsyncIterator[Knowledge]:
    async with open_knowledge(dsn, tmp_path) as opened:
        await opened.tell(*KEPT)
        yield opened


async def erase(knowledge: Knowledge, document_id: str = SECRET.document_id, limit_s: float = 30) -> Erasure:
    return await knowledge.storage.erasing.erase(
        CALLER, [[document_id]], reason="asked for", correlation_id="e", deadline=Deadline.after(limit_s)
    )


async def delete(knowledge: Knowledge) -> None:
    await knowledge.history.delete(SECRET)
    await knowledge.follow()


async def told(knowledge: Knowledge) -> str:
    """All that the log still says, in the clear."""
    return "\n".join([event.model_dump_json() for event in await knowledge.history.all()])


async def all_digests(knowledge: Knowledge) -> dict[str, str]:
    return {
        f"{name}.{part}": found
        for name, one in knowledge.stores.projections.items()
        for part, found in (await digests(one.store)).items()
    }


async def left(knowledge: Knowledge, secrets: Iterable[str] = SECRETS) -> list[str]:
    """Where a row of any table still says something of the secrets."""
    pool = knowledge.stores.pool
    tables = await pool.fetch(
        "SELECT table_schema || '.' || table_name AS name FROM information_schema.tables "
        "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    found = []
    for table in tables:
        # Bytes are shown by their text as well.
        rows = await pool.fetch(f"SELECT row_to_json(t)::text AS row FROM {table['name']} AS t")
        for row in rows:
            for secret in secrets:
                if secret in row["row"] or secret.encode().hex() in row["row"]:
                    found.append(f"{table['name']}: {row['row'][:200]}")
    return found


def guesses(sent: UUID, question: str, entities: Iterable[str]) -> set[str]:
    """What follows by public rules from the document's id, its texts, the id of what its producer sent, a question's
    id and entities."""
    digests = {digest(text) for text in (SECRET.text, *SECRET.sentences, *SECRET.inputs)}
    document = stream_id("default", "document", SECRET.document_id)
    streams = {document, stream_id("default", "reasoning_query", question)}
    streams |= {stream_id("default", "entity", one) for one in entities}
    ids = {*streams, uuid5(document, "contents"), uuid5(document, str(sent))}
    return {
        *(str(one) for one in ids),
        *digests,
        *(chunk_id("default", SECRET.document_id, one, 0) for one in digests),
        *entities,
    }


async def test_nothing_is_left_and_nothing_else_is_missing(knowledge: Knowledge) -> None:
    await knowledge.history.ask("Bob", documents=["kept"])
    await knowledge.follow()
    before = await all_digests(knowledge)
    await knowledge.tell(SECRET)
    await knowledge.history.alias("Ottokar", "Otto the Geheim one")
    await knowledge.history.ask("Wilhelmina", documents=[SECRET.document_id], chains=["Wilhelmina met Ottokar."])
    await knowledge.follow()
    await OriginalStore(knowledge.stores.pool).put("default", SECRET.document_id, b"Wilhelmina met Ottokar.")
    delivery = Delivery("default", SECRET.document_id, UUID(int=5))
    await InboxReceipts(knowledge.stores.pool, knowledge.stores.keys.ids).record([(delivery, "ingested")])
    assert await left(knowledge), "the search finds what is there"

    await delete(knowledge)
    done = await erase(knowledge)
    assert (done.documents, len(done.questions), done.in_the_clear) == ((SECRET.document_id,), 1, 0)
    assert await left(knowledge) == []
    assert await all_digests(knowledge) == before
    vectors = await knowledge.stores.outputs.get_many(SECRET.embedder, list(SECRET.outputs))
    assert vectors == {}

    check = LogCheck()
    for event in await ChainedEvents(knowledge.stores.pool).after(0):
        check.take(event)
    assert check.fault is None
    stores = knowledge.stores
    for projection in stores.projections.values():
        verdict = await verify(
            projection.model, projection.store, stores.generations, stores.reader, stores.topics, lambda _: None
        )
        assert verdict.difference is None
    await replay(
        [(one.model, one.store) for one in stores.projections.values()],
        stores.generations,
        stores.reader,
        stores.topics,
        lambda _: None,
    )
    assert await all_digests(knowledge) == before
    assert [entry.reason for entry in knowledge.audit.entries if entry.action == "erased"] == ["asked for"]


async def test_no_guess_can_be_confirmed(knowledge: Knowledge) -> None:
    """With all of the database, by who guesses the ids right, and the texts to the letter."""
    await knowledge.tell(SECRET)
    sent = Submission(
        SECRET.document_id, SECRET.title, f"{SECRET.text} More.", EventMetadata(), UUID(int=77), correlation_id="c"
    )
    assert await intake_of(knowledge.stores).take([sent], Deadline.after(30)) == ["updated"]
    await knowledge.history.ask("Wilhelmina", documents=[SECRET.document_id])
    await knowledge.history.alias("Ottokar", "Otto")
    await knowledge.follow()
    entities = [entity_id("default", name) for name in ("Ottokar", "Wilhelmina")]
    guessed = guesses(sent.event_id, "Wilhelmina", entities)
    assert await left(knowledge, guessed), "the search finds what is there"
    await delete(knowledge)
    await erase(knowledge)
    ids, document = knowledge.stores.keys.ids, AggregateKey("default", "document", SECRET.document_id)
    assert await left(knowledge, [str(ids.stream(document))]), "its stream is there still"
    assert await left(knowledge, guessed) == []


async def test_no_guess_of_a_text_can_be_confirmed_by_a_copy_that_was_made_before(knowledge: Knowledge) -> None:
    """What is sealed stays so once its key is gone, and what is beside it in the clear says nothing of the text."""
    await knowledge.tell(SECRET)
    pool = knowledge.stores.pool
    await OriginalStore(pool, knowledge.stores.keys).put("default", SECRET.document_id, SECRET.text.encode())
    digests = [digest(text) for text in (SECRET.text, *SECRET.sentences, *SECRET.inputs)]
    guessed = {row_of(PUBLIC_IDS, one).hex() for one in digests}
    guessed |= {hidden(PUBLIC_IDS, bytes.fromhex(one)).hex() for one in digests} | set(digests)
    copy = {
        row["digest"]
        for table in ("texts", "originals", "model_outputs")
        for row in await pool.fetch(f"SELECT encode(digest, 'hex') AS digest FROM annals.{table}")
    }
    ids = knowledge.stores.keys.ids
    assert {row_of(ids, one).hex() for one in SECRET.outputs} <= copy, "they are there, by other names"
    assert hidden(ids, bytes.fromhex(digest(SECRET.text))).hex() in copy
    assert not guessed & copy


async def test_a_decision_on_an_entity_of_others_too_says_nothing_of_it(knowledge: Knowledge) -> None:
    """And is still there, for the others, until it is undone."""
    await knowledge.tell(SECRET, Story("third", ("Ada saw Cleo.",)))
    stores = knowledge.stores
    entities = EntityService(stores.commands, stores.reader, EntityLookup(stores.pool), stores.pool)
    both = [[SECRET.document_id], ["kept"]]
    split = await entities.split(CALLER, "Ada", both, name="Ada of the harbour", deadline=Deadline.after(20))
    await knowledge.follow()
    there = await told(knowledge)
    assert SECRET.document_id in there and SECRET.title in there, "the search finds what is there"
    await delete(knowledge)
    await erase(knowledge)
    still = await told(knowledge)
    assert [secret for secret in SECRETS if secret in still] == []
    detail = await entities.show(CALLER, split.entity_id, limit=10, deadline=Deadline.after(20))
    assert next(one.what for one in detail.decisions) == f"split: what some documents call so is {split.into}"

    before = len(await knowledge.history.all())
    await entities.undo(CALLER, split.entity_id, version=1, deadline=Deadline.after(20))
    undone = (await knowledge.history.all())[before:]
    back = [one.aggregate_id for one in undone if one.event_type is EventType.MENTIONS_REASSIGNED]
    assert back == ["kept"], "what was erased is passed over"


async def test_the_same_comes_back_as_new(knowledge: Knowledge) -> None:
    await knowledge.tell(SECRET)
    there = await all_digests(knowledge)
    await delete(knowledge)
    await erase(knowledge)
    await knowledge.tell(SECRET)
    events = await knowledge.history.of_document(SECRET)
    assert events[0].event_type is EventType.DOCUMENT_INGESTED
    assert events[0].aggregate_version > 1
    again = await all_digests(knowledge)
    for part in ("relational.mentions", "relational.chunks", "graph.passages", "graph.mentions", "vector.terms"):
        assert again[part] == there[part]


async def test_what_kafka_delivers_once_more_brings_nothing_back(knowledge: Knowledge) -> None:
    events = await knowledge.history.tell(SECRET)
    await knowledge.follow()
    before = await all_digests(knowledge)
    await delete(knowledge)
    await erase(knowledge)
    gone = await all_digests(knowledge)
    for projection in knowledge.stores.projections.values():
        own = [event for event in events if event.event_type in projection.model.event_types]
        await projection.projector.apply(own[:1], {})
        await projection.projector.apply(own, {})
    assert await all_digests(knowledge) == gone != before


async def test_no_name_comes_back_with_what_kafka_delivers_once_more(knowledge: Knowledge) -> None:
    stores = knowledge.stores
    resolution = resolution_of(stores, lambda: SECRET.embedder)
    names = "SELECT document_id, name FROM annals.names ORDER BY 1, 2"
    followed = (EventType.ENTITIES_EXTRACTED, EventType.DOCUMENT_DELETED)

    def named(events: Sequence[DomainEvent]) -> list[DomainEvent]:
        return [event for event in events if event.event_type in followed]

    old = named(await knowledge.history.tell(SECRET))
    await resolution.run(old)
    assert {row["document_id"] for row in await stores.pool.fetch(names)} == {SECRET.document_id}
    await delete(knowledge)
    await resolution.run(named(await knowledge.history.of_document(SECRET)))
    await erase(knowledge)
    await resolution.run(old)
    assert await left(knowledge) == []
    # Of the same document, taken in again and not read yet, the events before are erased all the same.
    new = named(await knowledge.history.tell(SECRET))
    await resolution.run(old)
    assert await stores.pool.fetch(names) == []
    await resolution.run([*old, *new])
    assert {row["document_id"] for row in await stores.pool.fetch(names)} == {SECRET.document_id}


async def test_a_delivery_that_comes_again_brings_nothing_back(knowledge: Knowledge) -> None:
    """Neither one that the document came with, nor one that changed nothing, and of which no event is left."""
    intake, metadata = intake_of(knowledge.stores), EventMetadata(tenant="default", actor="ada", source="inbox")
    deliveries = [
        Submission(SECRET.document_id, "Geheim", "Wilhelmina met Ottokar.", metadata, UUID(int=number), "c")
        for number in (1, 2, 3)
    ]
    assert await intake.take(deliveries[:2], Deadline.after(30)) == ["ingested", "unchanged"]
    await delete(knowledge)
    await erase(knowledge)
    gone = await all_digests(knowledge)
    assert await left(knowledge) == []
    assert await intake.take(deliveries[:2], Deadline.after(30)) == ["duplicate", "duplicate"]
    await knowledge.follow()
    assert await all_digests(knowledge) == gone
    assert await intake.take(deliveries[2:], Deadline.after(30)) == ["ingested"]


async def test_erased_twice_is_erased_once(knowledge: Knowledge) -> None:
    await knowledge.tell(SECRET)
    await delete(knowledge)
    first = await erase(knowledge)
    assert first.keys > 0
    again = await erase(knowledge)
    assert (again.keys, again.questions, again.entities) == (0, (), ())


async def test_a_read_model_that_is_behind_is_waited_for(knowledge: Knowledge) -> None:
    """Otherwise it would come to the deletion later, and keep that there was such a document."""
    await knowledge.tell(SECRET)
    with pytest.raises(DeadlineExceededError):
        await erase(knowledge, limit_s=0.5)
    assert await knowledge.history.of_document(SECRET), "nothing is erased yet"
    await knowledge.follow()
    assert (await erase(knowledge)).keys > 0


async def test_what_a_model_says_of_it_while_it_is_erased_goes_too(knowledge: Knowledge) -> None:
    """An embedder that takes over had read the text before its key was destroyed, and keeps the vectors behind that."""
    await knowledge.tell(SECRET)
    await delete(knowledge)
    stores = knowledge.stores
    begun, _ = await stores.generations.begin("vector", "next", expires_s=600)
    erasing = asyncio.create_task(erase(knowledge))
    try:
        async with asyncio.timeout(30):
            while not await stores.pool.fetchval("SELECT count(*) FROM annals.unfinished_erasures"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await stores.outputs.put_many("another@1", SECRET.outputs)
    finally:
        await stores.generations.discard(begun)
        await erasing
    assert await stores.outputs.get_many("another@1", list(SECRET.outputs)) == {}
    assert await left(knowledge) == []


async def test_a_generation_that_somebody_drops_meanwhile_is_passed_over(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    await knowledge.tell(SECRET)
    await delete(knowledge)
    stores = knowledge.stores
    models = [(one.model, one.store) for one in stores.projections.values()]
    await replay(models, stores.generations, stores.reader, stores.topics, lambda _: None, keep_s=600)
    registry, dropped = stores.generations.registry, set[str]()
    listed = registry.all

    async def listed_and_dropped() -> list[RegisteredGeneration]:
        found = await listed()
        for one in found if await stores.pool.fetchval("SELECT count(*) FROM annals.unfinished_erasures") else ():
            if one.state == "retired":
                await stores.generations.drop(one.id)
                dropped.add(one.read_model)
        return found

    monkeypatch.setattr(registry, "all", listed_and_dropped)
    assert (await erase(knowledge)).keys > 0
    assert dropped == set(stores.projections)
    assert await left(knowledge) == []


async def test_who_may_only_delete_erases_nothing(knowledge: Knowledge) -> None:
    await knowledge.tell(SECRET)
    caller = Caller("default", "ada", "test", allowed("documents:delete", "documents:read", tenant="default"))
    with pytest.raises(AccessDeniedError):
        await knowledge.storage.erasing.erase(
            caller, [[SECRET.document_id]], reason="r", correlation_id="e", deadline=Deadline.after(5)
        )
    with pytest.raises(NotFoundError):
        await erase(knowledge, "nobody")
