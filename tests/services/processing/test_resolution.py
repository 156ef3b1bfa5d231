"""Which names are of one entity, as decided from what documents name: in whatever order, and by however many."""

import asyncio
import random
import re
from collections.abc import Sequence
from hashlib import sha256
from itertools import permutations

import numpy as np
import pytest

from aggregates.cause import Cause
from aggregates.entity import Entity
from aggregates.entity import merge as merge_entity
from aggregates.entity import undo as undo_decision
from aggregates.resolution import RULES
from contracts import ids
from contracts.documents import (
    Chunk,
    ChunkUpdated,
    DocumentChunked,
    DocumentDeleted,
    DocumentIngested,
    DocumentReread,
    EntitiesExtracted,
    Mention,
    TextReference,
)
from contracts.entities import EntityAssigned, EntityMerged
from contracts.envelope import DomainEvent, EventMetadata
from contracts.payload import Payload
from eventstore.commands import Command, Commands
from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from eventstore.log import EventLog
from eventstore.log_ids import PUBLIC_IDS
from eventstore.names import NamedEntity, Names
from eventstore.outputs import ModelOutputs
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from eventstore.texts import TextStore
from projections.changes import ReadModel
from projections.graph.model import LAYOUT as GRAPH
from projections.graph.model import GraphModel
from projections.postgres.layout import Layout
from projections.postgres.live import LivePostgresStore
from projections.projector import Projector
from projections.relational.model import LAYOUT as RELATIONAL
from projections.relational.model import RelationalModel
from services.processing import contexts
from services.processing.contexts import Contexts
from services.processing.descriptions import Descriptions
from services.processing.homonyms import Homonyms
from services.processing.resolution import MOST_ALIKE, Resolution

MODEL = "mini@1"
SUBJECTS = ("medicine", "football", "painting", "law")

Named = tuple[str, str]
"""Name and type."""


class World:
    """Documents in the log, and what was decided of their names."""

    def __init__(self, pool: PostgresPool, log: EventLog, reader: EventReader, commands: Commands) -> None:
        self.pool, self.log, self.reader, self.commands = pool, log, reader, commands
        self.outputs = ModelOutputs(pool, PUBLIC_IDS)

    def worker(self) -> Resolution:
        """One more process."""
        return self._resolution(self.commands)

    def dying_worker(self) -> Resolution:
        """One that ends as soon as the log has its decisions."""
        return self._resolution(_Dying(self.log, self.reader))

    def _resolution(self, commands: Commands) -> Resolution:
        contexts = Contexts(self.reader, self.outputs, lambda: MODEL)
        homonyms = Homonyms(Descriptions(self.reader, TextStore(self.pool)), contexts, commands)
        return Resolution(Names(self.pool), contexts, homonyms, commands, self.reader)

    async def merge(self, tenant: str, name: str, into: str) -> None:
        """By a person."""
        entity, merge = ids.entity_id(tenant, name), EntityMerged(into=ids.entity_id(tenant, into))
        await self.commands.execute(
            Command(
                AggregateKey(tenant, "entity", entity),
                Entity.project,
                lambda state: merge_entity(state, entity, merge, _cause(tenant)),
            )
        )

    async def vectors(self) -> None:
        """One for each subject, all far from one another."""
        rows = np.eye(len(SUBJECTS), dtype="<f2")
        await self.outputs.put_many(
            MODEL, {_digest(subject): row.tobytes() for subject, row in zip(SUBJECTS, rows, strict=True)}
        )

    def document(self, tenant: str, document: str, subject: str, *names: Named, since: int = 0) -> list[DomainEvent]:
        """A document of one chunk that names these, put into the log behind its event number `since`."""
        digest = _digest(document)
        chunk = Chunk(
            chunk_id=f"{document}/1", index=0, start=0, end=9, tokens=2, digest=digest, input_digest=_digest(subject)
        )
        text = TextReference(digest=digest, characters=9, bytes=9)
        payloads: Sequence[Payload] = (
            DocumentIngested(title=document, text=text),
            DocumentChunked(content=digest, title=document, chunker="words", embedder=MODEL, chunks=(chunk,)),
            EntitiesExtracted(content=digest, model="ner", mentions=_mentions(tenant, document, names), aliases=()),
        )
        return self._put(tenant, document, payloads, since)

    def reread(self, tenant: str, document: str, *names: Named, since: int) -> list[DomainEvent]:
        """What another model found in it."""
        again = DocumentReread(
            content=_digest(document),
            entity_model="ner2",
            relation_model="rel",
            mentions=_mentions(tenant, document, names),
            aliases=(),
            relations=(),
        )
        return self._put(tenant, document, (again,), since)

    def deletion(self, tenant: str, document: str, since: int) -> list[DomainEvent]:
        """Its deletion."""
        return self._put(tenant, document, (DocumentDeleted(),), since)

    def _put(self, tenant: str, document: str, payloads: Sequence[Payload], since: int) -> list[DomainEvent]:
        events = [_cause(tenant).event(one, document, since + number) for number, one in enumerate(payloads, start=1)]
        self.log.store(events)
        followed = EntitiesExtracted | DocumentReread | DocumentDeleted
        return [event for event in events if isinstance(event.event_data, followed)]

    async def merged(self, tenant: str, *names: str) -> dict[str, str]:
        """Name to the name that it is assigned to; those that stand by themselves are left out."""
        of = {ids.entity_id(tenant, name): name for name in names}
        found: dict[str, str] = {}
        async for states in self.commands.load_in_batches(
            [AggregateKey(tenant, "entity", entity) for entity in of], Entity.project
        ):
            found |= {of[key.aggregate_id]: of[state.merged_into] for key, state in states.items() if state.merged_into}
        return found


@pytest.fixture
async def world(pool: PostgresPool, log: EventLog, reader: EventReader, commands: Commands) -> World:
    """Nothing but vectors."""
    made = World(pool, log, reader, commands)
    await made.vectors()
    return made


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _mentions(tenant: str, document: str, names: Sequence[Named]) -> tuple[Mention, ...]:
    return tuple(
        Mention(
            entity_id=ids.entity_id(tenant, name),
            name=name,
            type=kind,
            chunk_id=f"{document}/1",
            start=0,
            end=1,
            confidence=1.0,
        )
        for name, kind in names
    )


def _cause(tenant: str) -> Cause:
    return Cause(EventMetadata(tenant=tenant, actor="ada", source="test"), correlation_id="c1")


JANE, DOCTOR, SHORT = ("Jane Doe", "PERSON"), ("Dr. Jane Doe", "PERSON"), ("J. Doe", "PERSON")
JOHN = ("John Doe", "PERSON")


async def test_names_of_one_entity_are_assigned_to_the_one_that_says_most(world: World) -> None:
    """With the rule that says so; what stands in another context stays by itself."""
    events = [
        *world.document("acme", "d1", "medicine", JANE),
        *world.document("acme", "d2", "medicine", DOCTOR, ("ASR1603", "PRODUCT"), ("ASR1605", "PRODUCT")),
        *world.document("acme", "d3", "football", ("Prof. Jane Doe", "PERSON")),
    ]
    await world.worker().run(events)
    names = ("Jane Doe", "Dr. Jane Doe", "Prof. Jane Doe", "ASR1603", "ASR1605")
    assert await world.merged("acme", *names) == {"Dr. Jane Doe": "Jane Doe"}
    decided = await world.reader.of_aggregate("acme", "entity", ids.entity_id("acme", "Dr. Jane Doe"))
    assert [event.event_data for event in decided] == [
        EntityAssigned(
            into=ids.entity_id("acme", "Jane Doe"), rules=RULES, rule="same name", confidence=0.99, context=1.0
        )
    ]


async def test_taken_twice_nothing_is_decided_twice(world: World) -> None:
    """By another worker, too."""
    events = [*world.document("acme", "d1", "medicine", JANE), *world.document("acme", "d2", "medicine", DOCTOR)]
    await world.worker().run(events)
    head = await world.reader.head()
    await world.worker().run(events)
    await world.worker().run(list(reversed(events)))
    assert await world.reader.head() == head


async def test_what_is_named_no_longer_holds_nothing(world: World) -> None:
    """The short name is the doctor's until somebody else may be meant, and again when that one is gone."""
    worker = world.worker()
    await worker.run(
        [*world.document("acme", "d1", "medicine", JANE), *world.document("acme", "d2", "medicine", SHORT)]
    )
    assert await world.merged("acme", "Jane Doe", "J. Doe") == {"J. Doe": "Jane Doe"}
    await worker.run(world.document("acme", "d3", "medicine", JOHN))
    assert await world.merged("acme", "Jane Doe", "John Doe", "J. Doe") == {}
    await worker.run(world.deletion("acme", "d3", since=3))
    assert await world.merged("acme", "Jane Doe", "John Doe", "J. Doe") == {"J. Doe": "Jane Doe"}
    await worker.run(world.document("acme", "d1", "medicine", JOHN, since=3))
    assert await world.merged("acme", "Jane Doe", "John Doe", "J. Doe") == {"J. Doe": "John Doe"}


async def test_no_tenant_knows_another(world: World) -> None:
    """One has the name, the other one the title."""
    await world.worker().run(
        [*world.document("acme", "d1", "medicine", JANE), *world.document("other", "d1", "medicine", DOCTOR)]
    )
    assert await world.merged("acme", "Jane Doe", "Dr. Jane Doe") == {}
    assert await world.merged("other", "Jane Doe", "Dr. Jane Doe") == {}


async def test_no_circle_with_what_people_merged(world: World) -> None:
    """They said that the bare name is the doctor; so the doctor is not assigned to the bare name."""
    await world.merge("acme", "Jane Doe", "Dr. Jane Doe")
    await world.worker().run(
        [*world.document("acme", "d1", "medicine", JANE), *world.document("acme", "d2", "medicine", DOCTOR)]
    )
    assert await world.merged("acme", "Jane Doe", "Dr. Jane Doe") == {"Jane Doe": "Dr. Jane Doe"}


@pytest.mark.parametrize("order", list(permutations(("Dr. Jane Doe", "Jane Doe", "Jane M. Doe"))))
async def test_no_circle_over_several(world: World, order: Sequence[str]) -> None:
    """The doctor would be the bare name, that one the name with the letter; and that one is the doctor, as people said.

    In whatever order they come, and in however many batches.
    """
    for number, sizes in enumerate(((3,), (1, 2), (2, 1), (1, 1, 1))):
        tenant, worker = f"t{number}", world.worker()
        await world.merge(tenant, "Jane M. Doe", "Dr. Jane Doe")
        events = [world.document(tenant, f"of {name}", "medicine", (name, "PERSON")) for name in order]
        for size in sizes:
            await worker.run([event for own in events[:size] for event in own])
            events = events[size:]
        assert await world.merged(tenant, *order) == {"Jane M. Doe": "Dr. Jane Doe"}


async def test_what_people_take_back_is_the_rules_again(world: World) -> None:
    """They merged the short name into somebody else before the rules came; it is decided once it is named again."""
    worker, short = world.worker(), ids.entity_id("acme", "J. Doe")
    await world.merge("acme", "J. Doe", "Elizabeth")
    await worker.run(
        [*world.document("acme", "d1", "medicine", JANE), *world.document("acme", "d2", "medicine", SHORT)]
    )
    await world.commands.execute(
        Command(
            AggregateKey("acme", "entity", short),
            Entity.project,
            lambda state: undo_decision(state, short, None, None, _cause("acme")),
        )
    )
    assert await world.merged("acme", "J. Doe", "Jane Doe") == {}
    await worker.run(world.document("acme", "d3", "medicine", SHORT))
    assert await world.merged("acme", "J. Doe", "Jane Doe") == {"J. Doe": "Jane Doe"}


async def test_what_a_worker_decided_before_it_ended_is_known(world: World) -> None:
    """Its events are in the log, and its own tables say nothing of them. The document that led to them says something
    else by the time that somebody takes it again, in one batch with what it said then."""
    await world.worker().run(world.document("acme", "d1", "medicine", JANE))
    first = world.document("acme", "d2", "medicine", DOCTOR)
    with pytest.raises(StoreUnavailableError):
        await world.dying_worker().run(first)
    assert await world.merged("acme", "Jane Doe", "Dr. Jane Doe") == {"Dr. Jane Doe": "Jane Doe"}
    await world.worker().run([*first, *world.document("acme", "d2", "medicine", ("ASR1603", "PRODUCT"), since=3)])
    assert await world.merged("acme", "Jane Doe", "Dr. Jane Doe") == {}
    async with Names(world.pool).turn("acme") as turn:
        assert not await turn.doubtful()


async def test_a_worker_that_ends_and_one_that_goes_on_decide_once(world: World) -> None:
    """The same events again, and the decision is there."""
    await world.worker().run(world.document("acme", "d1", "medicine", JANE))
    events = world.document("acme", "d2", "medicine", DOCTOR)
    with pytest.raises(StoreUnavailableError):
        await world.dying_worker().run(events)
    head = await world.reader.head()
    await world.worker().run(events)
    assert await world.reader.head() == head
    assert await world.merged("acme", "Jane Doe", "Dr. Jane Doe") == {"Dr. Jane Doe": "Jane Doe"}


async def test_blocks_are_looked_up_whole_or_not_at_all(pool: PostgresPool) -> None:
    """A key of too many is left out, however many they are; one of nobody has none."""
    async with Names(pool).turn("acme") as turn:
        await turn.set_keys([], [("a", f"e{number}") for number in range(5)] + [("b", "e1")])
        assert {key: len(own) for key, own in (await turn.blocks({"a": 5, "b": 5, "c": 5})).items()} == {
            "a": 5, "b": 1, "c": 0,
        }  # fmt: skip
        assert await turn.blocks({"a": 4, "b": 1}) == {"b": ["e1"]}
        assert await turn.blocks({}) == {}


async def test_contexts_are_found_where_a_chunk_was_corrected_in_between(world: World) -> None:
    """What stands between the chunks and the entities says which chunk the corrected one is."""
    (ingested, chunked, extracted) = await _events_of(world, "d1", JANE)
    assert isinstance(chunked.event_data, DocumentChunked)
    chunk = chunked.event_data.chunks[0].model_copy(update={"chunk_id": "d2/2", "input_digest": _digest("football")})
    data = extracted.event_data
    assert isinstance(data, EntitiesExtracted)
    mentions = (data.mentions[0].model_copy(update={"chunk_id": "d2/2"}),)
    payloads: list[Payload] = [
        ingested.event_data,
        chunked.event_data,
        ChunkUpdated(content=_digest("d1"), replaced="d1/1", chunk=chunk),
        data.model_copy(update={"mentions": mentions}),
    ]
    world._put("acme", "d2", payloads, 0)
    name = NamedEntity(mentions[0].entity_id, "d2", "Jane Doe", "PERSON", 4, "d2/2")
    ((vector,),) = (await Contexts(world.reader, world.outputs, lambda: MODEL).of("acme", {"e": [name]})).values()
    assert vector.tolist() == np.eye(len(SUBJECTS))[SUBJECTS.index("football")].tolist()


async def test_few_chunks_are_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many documents name an entity, and whatever their size."""
    monkeypatch.setattr(contexts, "MOST_CHUNKS", 6)
    names = []
    for number in range(20):
        (event,) = world.document("acme", f"d{number}", "law", JANE)
        names.append(NamedEntity(ids.entity_id("acme", "Jane Doe"), f"d{number}", "Jane Doe", "PERSON", 3, "none"))
        assert event.aggregate_version == 3
    made = Contexts(world.reader, world.outputs, lambda: MODEL)
    assert await made.of("acme", {"e": names}) == {"e": []}
    assert len(made._chunks) == 3


async def _events_of(world: World, document: str, *names: Named) -> Sequence[DomainEvent]:
    world.document("acme", document, "law", *names)
    return await world.reader.of_aggregate("acme", "document", document)


class _Dying(Commands):
    """Its answers never arrive."""

    async def execute_many(self, commands: Sequence[Command]) -> list[list[DomainEvent]]:
        await super().execute_many(commands)
        self.close()
        raise StoreUnavailableError


async def test_a_key_of_too_many_says_nothing(world: World) -> None:
    """One more than that, and those that were assigned by it are released; one less, and they are back."""
    worker = world.worker()
    crowd = [
        (f"Jane {chr(65 + number % 26)}. {'X' if number < 26 else 'Y' if number < 52 else 'Z'}. Doe", "PERSON")
        for number in range(MOST_ALIKE)
    ]
    events = [world.document("acme", f"c{number}", "law", one) for number, one in enumerate(crowd[:-1])]
    await worker.run([event for own in events for event in own])
    await worker.run([*world.document("acme", "d1", "medicine", ("Jane B. Q. Doe", "PERSON"))])
    await worker.run([*world.document("acme", "d2", "medicine", ("Jane B. Doe", "PERSON"))])
    assert await world.merged("acme", "Jane B. Doe", "Jane B. Q. Doe") == {}
    await worker.run(world.deletion("acme", "c0", since=3))
    assert await world.merged("acme", "Jane B. Doe", "Jane B. Q. Doe") == {"Jane B. Doe": "Jane B. Q. Doe"}
    await worker.run(world.document("acme", "c0", "law", crowd[0], since=4))
    assert await world.merged("acme", "Jane B. Doe", "Jane B. Q. Doe") == {}


MANY = (
    ("Jane Doe", "PERSON"), ("Dr. Jane Doe", "PERSON"), ("Doe, Jane", "PERSON"), ("J. Doe", "PERSON"),
    ("Prof. Jane Doe", "PERSON"), ("JANE DOE", "PERSON"), ("Jane Doe", "ORG"), ("Jane M. Doe", "PERSON"),
    ("International Business Machines", "ORG"), ("IBM", "ORG"), ("International Business Machines (IBM)", "ORG"),
    ("Intl. Business Machines Corp.", "ORG"), ("IBM", "PRODUCT"), ("ASR1603", "PRODUCT"), ("ASR-1603", "PRODUCT"),
    ("ASR1605", "PRODUCT"), ("John Smith", "PERSON"), ("Jane Smith", "PERSON"), ("J. Smith", "PERSON"),
    ("Pyotr Tchaikovsky", "PERSON"), ("Пётр Чайковский", "PERSON"), ("Massachusetts", "GPE"), ("Massachussetts", "GPE"),
)  # fmt: skip


async def test_the_order_of_documents_does_not_matter(world: World) -> None:
    """Two hundred documents by four workers in ten orders, some changed and some deleted meanwhile: one result."""
    choice = random.Random(4)
    contents = [
        (f"d{number}", choice.choice(SUBJECTS[:2]), choice.sample(MANY, choice.randint(1, 3))) for number in range(200)
    ]
    results: list[dict[str, str]] = []
    for order in range(10):
        tenant, shuffled = f"t{order}", random.Random(order)
        events: list[list[DomainEvent]] = []
        for number, (document, subject, names) in enumerate(contents):
            if number % 10 == 3:
                before = world.document(tenant, document, "law", *shuffled.sample(MANY, 2))
                events.append(before + world.document(tenant, document, subject, *names, since=3))
            elif number % 10 == 7:
                gone = world.document(tenant, document, subject, *shuffled.sample(MANY, 2))
                events.append(gone + world.deletion(tenant, document, since=3))
            else:
                events.append(world.document(tenant, document, subject, *names))
        shuffled.shuffle(events)
        await asyncio.gather(*(_take(world.worker(), events[own::4], shuffled) for own in range(4)))
        results.append(await world.merged(tenant, *sorted({name for name, _ in MANY})))
    assert results[0]
    assert results == [results[0]] * 10
    models: list[tuple[ReadModel, Layout]] = [(RelationalModel(), RELATIONAL), (GraphModel(), GRAPH)]
    for model, layout in models:
        digests = await _digests(world, model, layout, [f"t{order}" for order in range(10)])
        assert digests == [digests[0]] * 10, model.name


async def test_the_order_of_what_models_find_in_one_document_does_not_matter(world: World) -> None:
    names = "SELECT name FROM annals.names WHERE tenant = $1 ORDER BY name"
    for number, order in enumerate(permutations(range(3))):
        tenant, worker = f"t{number}", world.worker()
        told = [
            *world.document(tenant, "d1", "law", JANE),
            *world.reread(tenant, "d1", JOHN, since=3),
            *world.document(tenant, "d2", "law", SHORT),
        ]
        for event in order:
            await worker.run([told[event]])
        assert [row["name"] for row in await world.pool.fetch(names, tenant)] == ["J. Doe", "Jane Doe", "John Doe"]
        await worker.run(world.deletion(tenant, "d1", since=4))
        await worker.run(told)
        assert [row["name"] for row in await world.pool.fetch(names, tenant)] == ["J. Doe"]


async def _digests(world: World, model: ReadModel, layout: Layout, tenants: Sequence[str]) -> list[str]:
    """Of the rows that each tenant has in a read model, with names for ids and without times."""
    store = LivePostgresStore(world.pool, layout)
    await store.open()
    projector, position = Projector(model, store, world.reader), 0
    while page := await world.reader.after(position, 1_000):
        await projector.apply([event for event in page if event.event_type in projector.event_types], {})
        position = page[-1].position or 0
    rows: dict[str, list[str]] = {tenant: [] for tenant in tenants}
    async with store.snapshot() as snapshot:
        for part in (await snapshot.digests()).keys() - {"versions"}:
            async for row in snapshot.rows(part):
                tenant = row[1:].split(",", 1)[0]
                rows[tenant].append(f"{part} {row}")
    assert all(rows.values())
    return [_digest("\n".join(sorted(_without_ids(row, tenant) for row in own))) for tenant, own in rows.items()]


def _without_ids(row: str, tenant: str) -> str:
    row = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:[\d.]+\+\d\d", "when", row.replace(f"({tenant},", "(tenant,", 1))
    for name, _ in MANY:
        row = row.replace(ids.entity_id(tenant, name), name)
    return row


async def test_a_name_that_one_document_has_is_assigned_in_any_order(world: World) -> None:
    """Nothing brings it up again after its only document: what comes later has to."""
    results: list[dict[str, str]] = []
    for order in range(10):
        tenant, shuffled = f"t{order}", random.Random(order)
        events = [world.document(tenant, f"d{number}", "law", name) for number, name in enumerate(MANY)]
        shuffled.shuffle(events)
        await asyncio.gather(*(_take(world.worker(), events[own::4], shuffled) for own in range(4)))
        results.append(await world.merged(tenant, *sorted({name for name, _ in MANY})))
    assert len(results[0]) > 8
    assert results == [results[0]] * 10


async def _take(worker: Resolution, documents: list[list[DomainEvent]], choice: random.Random) -> None:
    """In batches of one to nine documents; each document's events in their order."""
    while documents:
        size = choice.randint(1, 9)
        batch, documents = documents[:size], documents[size:]
        first, later = [own[0] for own in batch], [event for own in batch for event in own[1:]]
        await worker.run(first)
        if later:
            await worker.run(later)


async def test_parts_of_a_result_count_together(world: World) -> None:
    """Each brings its own names, and none of them drops those of another."""
    whole = world.document("acme", "d1", "medicine", JANE)
    (event,) = whole
    assert isinstance(event.event_data, EntitiesExtracted)
    first = as_part(event, 1)
    (other,) = world.document("acme", "d2", "medicine", DOCTOR)
    assert isinstance(other.event_data, EntitiesExtracted)
    second = as_part(event, 2, other.event_data.mentions)
    worker = world.worker()
    await worker.run([first])
    await worker.run([second])
    assert await world.merged("acme", "Jane Doe", "Dr. Jane Doe") == {"Dr. Jane Doe": "Jane Doe"}


def as_part(event: DomainEvent, part: int, mentions: tuple[Mention, ...] | None = None) -> DomainEvent:
    """The event as part number `part` of two; one with other mentions has those of the same chunk."""
    data = event.event_data
    assert isinstance(data, EntitiesExtracted)
    own = (
        data.mentions
        if mentions is None
        else tuple(one.model_copy(update={"chunk_id": data.mentions[0].chunk_id}) for one in mentions)
    )
    changed = data.model_copy(update={"part": part, "parts": 2, "mentions": own})
    return event.model_copy(update={"event_data": changed, "aggregate_version": event.aggregate_version + part - 1})
