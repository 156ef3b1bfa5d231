"""Homonyms written alike are told apart by what documents say of them; people come first."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from aggregates import entity as entities
from aggregates.document import HOMONYM_RULES, Document, reassign
from contracts import ids
from contracts.documents import (
    Chunk,
    DocumentChunked,
    DocumentIngested,
    EntitiesExtracted,
    Mention,
    MentionsReassigned,
)
from contracts.entities import EntityMerged
from contracts.envelope import DomainEvent
from contracts.payload import Payload
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.log import EventLog
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from eventstore.texts import TextStore
from services.processing import homonyms
from tests.services.processing.test_resolution import MODEL, Named, World, _cause, _digest, _take

JOHN = ("John Smith", "PERSON")
SMITH = ids.entity_id("acme", "John Smith")
POTTER = "John Smith, the potter from Leeds, fired his glazed vases in a wood kiln."
SENATOR = "Senator John Smith voted against the tax bill."
KILN = ("Vale Kiln", "FAC")


@pytest.fixture
async def world(pool: PostgresPool, log: EventLog, reader: EventReader, commands: Commands) -> World:
    made = World(pool, log, reader, commands)
    await made.vectors()
    return made


async def told(
    world: World, document: str, text: str, *names: Named, subject: str = "law", tenant: str = "acme", since: int = 0
) -> list[DomainEvent]:
    """A document of one chunk with this text, which calls somebody John Smith."""
    (reference,) = await TextStore(world.pool).put_many([(tenant, document, text)])
    before = Document.project(await world.reader.of_aggregate(tenant, "document", document))
    instead = dict(before.reassigned) if before is not None else {}
    mentions = []
    for name, kind in (JOHN, *names):
        entity = ids.entity_id(tenant, name)
        mentions.append(
            Mention(
                entity_id=instead.get(entity, entity),
                name=name,
                type=kind,
                chunk_id=f"{document}/1",
                start=0,
                end=1,
                confidence=1.0,
            )
        )
    chunk = Chunk(
        chunk_id=f"{document}/1",
        index=0,
        start=0,
        end=9,
        tokens=2,
        digest=reference.digest,
        input_digest=_digest(subject),
    )
    payloads: Sequence[Payload] = (
        DocumentIngested(title=document, text=reference),
        DocumentChunked(content=reference.digest, title=document, chunker="words", embedder=MODEL, chunks=(chunk,)),
        EntitiesExtracted(content=reference.digest, model="ner", mentions=tuple(mentions), aliases=()),
    )
    return world._put(tenant, document, payloads, since)


async def meant(world: World, *documents: str, tenant: str = "acme") -> dict[str, str]:
    """Whom each of these documents means by John Smith."""
    found = {}
    for one in documents:
        state = Document.project(await world.reader.of_aggregate(tenant, "document", one))
        assert state is not None
        entity = ids.entity_id(tenant, JOHN[0])
        found[one] = dict(state.reassigned).get(entity, entity)
    return found


async def version(world: World, document: str) -> int:
    return len(await world.reader.of_aggregate("acme", "document", document))


async def test_two_of_one_name_are_two_with_the_evidence(world: World) -> None:
    events = [*await told(world, "d1", POTTER), *await told(world, "d2", SENATOR, subject="painting")]
    await world.worker().run(events)
    other = ids.homonym_id(SMITH, "d2")
    assert await meant(world, "d1", "d2") == {"d1": SMITH, "d2": other}
    (*_, said) = await world.reader.of_aggregate("acme", "document", "d2")
    assert said.event_data == MentionsReassigned(entity_id=SMITH, into=other, rules=HOMONYM_RULES, context=0.0)
    assert (said.metadata.actor, said.metadata.source) == ("annals", "resolution")
    head = await world.reader.head()
    await world.worker().run(events)
    assert await world.reader.head() == head, "decided twice"


@pytest.mark.parametrize(
    ("text", "subject", "names"),
    [
        ("John Smith made a jug.", "painting", ()),
        (SENATOR, "law", ()),
        (SENATOR, "painting", (KILN,)),
        ("John Smith, a potter and former senator, spoke.", "painting", ()),
    ],
    ids=["nothing is said of him", "contexts are alike", "both name something else", "he is both"],
)
async def test_without_evidence_they_stay_one(world: World, text: str, subject: str, names: tuple[Named, ...]) -> None:
    await world.worker().run(
        [*await told(world, "d1", POTTER, KILN), *await told(world, "d2", text, *names, subject=subject)]
    )
    assert set((await meant(world, "d1", "d2")).values()) == {SMITH}


async def test_other_births_are_two_in_any_context(world: World) -> None:
    await world.worker().run(
        [
            *await told(world, "d1", "John Smith (born 1951) sang."),
            *await told(world, "d2", "John Smith (1801-1870) sang."),
        ]
    )
    assert await meant(world, "d1", "d2") == {"d1": SMITH, "d2": ids.homonym_id(SMITH, "d2")}


async def test_what_joins_them_later_makes_them_one_and_its_end_two_again(world: World) -> None:
    worker, two = world.worker(), {"d1": SMITH, "d2": ids.homonym_id(SMITH, "d2")}
    await worker.run([*await told(world, "d1", POTTER), *await told(world, "d2", SENATOR, subject="painting")])
    assert await meant(world, "d1", "d2") == two
    both = await told(world, "d3", "John Smith, a potter and former senator, spoke.")
    await worker.run(both)
    assert set((await meant(world, "d1", "d2", "d3")).values()) == {SMITH}
    await worker.run(world.deletion("acme", "d3", since=await version(world, "d3")))
    assert await meant(world, "d1", "d2") == two
    await worker.run(await told(world, "d2", POTTER, subject="painting", since=await version(world, "d2")))
    assert set((await meant(world, "d1", "d2")).values()) == {SMITH}


async def test_who_says_nothing_of_him_means_the_nearest(world: World) -> None:
    await world.worker().run(
        [
            *await told(world, "d1", POTTER, KILN),
            *await told(world, "d2", SENATOR, ("Bill Tax", "PERSON"), subject="painting"),
            *await told(world, "d3", "John Smith spoke.", subject="painting"),
            *await told(world, "d4", "John Smith spoke.", ("Bill Tax", "PERSON"), subject="medicine"),
            *await told(world, "d5", "John Smith spoke.", subject="football"),
        ]
    )
    other = ids.homonym_id(SMITH, "d2")
    found = await meant(world, "d1", "d2", "d3", "d4", "d5")
    assert found == {"d1": SMITH, "d2": other, "d3": other, "d4": other, "d5": SMITH}


async def test_a_person_who_merged_them_is_not_overruled(world: World) -> None:
    worker, other = world.worker(), ids.homonym_id(SMITH, "d2")
    await worker.run([*await told(world, "d1", POTTER), *await told(world, "d2", SENATOR, subject="painting")])
    merged = EntityMerged(into=SMITH)
    await world.commands.execute(
        Command(
            AggregateKey("acme", "entity", other),
            entities.Entity.project,
            lambda state: entities.merge(state, other, merged, _cause("acme")),
        )
    )
    await worker.run(await told(world, "d3", "The botanist John Smith spoke.", subject="football"))
    assert await meant(world, "d1", "d2", "d3") == {"d1": SMITH, "d2": other, "d3": SMITH}


async def test_a_person_who_said_whom_a_document_means_is_not_overruled(world: World) -> None:
    worker = world.worker()
    await worker.run(await told(world, "d1", POTTER))
    events = await told(world, "d2", SENATOR, subject="painting")
    for into, back in ((f"{SMITH[:-1]}x", False), (SMITH, True)):
        change = MentionsReassigned(entity_id=f"{SMITH[:-1]}x" if back else SMITH, into=into)
        await world.commands.execute(
            Command(
                AggregateKey("acme", "document", "d2"),
                Document.project,
                lambda state, change=change: reassign(state, change, _cause("acme")),  # type: ignore[misc]
            )
        )
    await worker.run(events)
    assert await meant(world, "d1", "d2") == {"d1": SMITH, "d2": SMITH}


async def test_a_name_of_too_many_documents_is_of_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homonyms, "MOST_NAMINGS", 2)
    worker = world.worker()
    await worker.run([*await told(world, "d1", POTTER), *await told(world, "d2", SENATOR, subject="painting")])
    assert len(set((await meant(world, "d1", "d2")).values())) == 2
    await worker.run(await told(world, "d3", POTTER))
    assert set((await meant(world, "d1", "d2", "d3")).values()) == {SMITH}


async def test_the_order_of_documents_does_not_matter(world: World) -> None:
    """Forty documents on five of one name, by four workers in ten orders, some changed meanwhile."""
    said = (POTTER, SENATOR, "John Smith is a Scottish botanist.", "Striker John Smith scored.", "John Smith spoke.")
    choice = random.Random(7)
    subjects = ("law", "painting", "medicine", "football")
    contents = [
        (f"d{number:02}", kind := choice.randrange(5), subjects[min(kind, 3)], [("Vale Kiln", "FAC")] * (kind == 0))
        for number in range(40)
    ]
    results = []
    for order in range(10):
        tenant, shuffled = f"t{order}", random.Random(order)
        events: list[list[DomainEvent]] = []
        for number, (document, kind, subject, names) in enumerate(contents):
            if number % 10 == 3:
                before = await told(world, document, said[shuffled.randrange(5)], subject="law", tenant=tenant)
                events.append(
                    before + await told(world, document, said[kind], *names, subject=subject, tenant=tenant, since=3)
                )
            else:
                events.append(await told(world, document, said[kind], *names, subject=subject, tenant=tenant))
        shuffled.shuffle(events)
        await asyncio.gather(*(_take(world.worker(), events[own::4], shuffled) for own in range(4)))
        smith = ids.entity_id(tenant, JOHN[0])
        found = await meant(world, *(one for one, *_ in contents), tenant=tenant)
        others = {ids.homonym_id(smith, one): f"with {one}" for one, *_ in contents} | {smith: "the most"}
        results.append({document: others[entity] for document, entity in found.items()})
    assert len(set(results[0].values())) == 4
    assert results == [results[0]] * 10
