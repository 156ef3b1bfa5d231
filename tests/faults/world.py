"""Annals without Kafka: the real services, stages and projectors over one database, and whoever carries the messages.

What a broker may do to a delivery is done here: late, doubled, in another order, again from the beginning.
"""

import asyncio
import contextlib
import itertools
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch
from uuid import UUID, uuid4

from annals.composition.corrections import corrections_of
from annals.composition.embedders import change_embedder, following, which_embedder
from annals.composition.models import serving_models
from annals.composition.operations import rebuilding
from annals.composition.past import past_generations
from annals.composition.profiles import Readers, readers_of
from annals.composition.readings import change_reading, which_reading
from annals.composition.storage import intake_of, storage_of
from annals.composition.stores import Stores, open_read_models, open_stores
from annals.composition.stream_roles import resolution_of, stages_of
from annals.settings import load_settings
from contracts.codec import encode
from contracts.entities import EntityAssigned, EntityDecisionUndone, EntityReleased
from contracts.envelope import DomainEvent, EventMetadata
from contracts.system import Task
from contracts.topics import Partition
from eventstore.chained_events import ChainedEvents
from eventstore.checkpoints import Checkpoints
from inference.embedders import EmbedderName
from inference.extractors import ExtractorName
from projections.changes import uniform_positions
from projections.relational.entity_lookup import EntityLookup
from projections.vector.model import VectorModel
from security.access import FULL_ACCESS
from services.caller import Caller
from services.corrections.chunks import CorrectChunks
from services.corrections.relations import CorrectRelations
from services.corrections.undoing import UndoEvents
from services.deadline import Deadline
from services.knowledge.entities import EntityService
from services.operations.changing_embedder import ChangedEmbedder, ChangeEmbedder
from services.operations.changing_reading import ChangedReading, ChangeReading
from services.operations.log_verification import VerifyLog
from services.operations.rebuilding import Rebuilding
from services.past.generations import PastGenerations
from services.processing.present_reading import following_reading
from services.storage.erasing import Erasure
from services.storage.erasing_subjects import SubjectErasure
from services.storage.intake import Intake, Outcome, Submission
from services.storage.use_cases import Storage
from streams.dead_letter_sink import DeadLetterSink
from streams.delivery_order import DeliveryOrder
from streams.handler import Handler
from streams.inbox import InboxHandler
from streams.message import Message
from streams.projecting import ProjectionHandler
from streams.resolving import ResolutionHandler
from streams.stage_handler import StageHandler
from tests.faults.light import EMBEDDERS, EXTRACTORS, light_inference
from tests.faults.told import Told
from tests.support.knowledge import RememberedAudit

Result = TypeVar("Result")

TENANTS = ("ours", "theirs")
LIMIT_S = 60.0
MOST = 12
"""Events that are delivered at once, when only some of them are."""
MODELS = ("relational", "graph", "vector")
FEW = 2
"""Aggregates that a replay builds at once which is to be broken off."""
PAST = "past"
PAUSE_S = 0.02
"""Between two deliveries, while somebody waits for them."""


@dataclass
class World:
    """Everything opened. `delivered`: how many of the log's events each handler has had, from the first on.

    `positions`: how far each read model was told that it is. `erased`: where the log ended when an entity was erased.
    """

    stores: Stores
    handlers: dict[str, Handler[Any]]
    intake: Intake
    inboxes: dict[str, InboxHandler]
    storage: Storage
    entities: EntityService
    relations: CorrectRelations
    chunks: CorrectChunks
    undoing: UndoEvents
    rebuilding: Rebuilding
    embedders: ChangeEmbedder
    readings: ChangeReading
    generations: PastGenerations
    chain: VerifyLog
    log: list[DomainEvent] = field(default_factory=list)
    delivered: dict[str, int] = field(default_factory=dict)
    positions: dict[str, int | None] = field(default_factory=dict)
    erased: dict[tuple[str, str], int] = field(default_factory=dict)
    inbox: dict[str, list[Message]] = field(default_factory=lambda: {tenant: [] for tenant in TENANTS})

    async def read_log(self) -> list[DomainEvent]:
        """What is in the log by now; returns what is new of it."""
        after = self.log[-1].position if self.log else 0
        new = await self.stores.reader.after(after or 0, 100_000)
        self.log += new
        return new

    # Ways in.

    async def submit(self, tenant: str, document_id: str, told: Told, delivery: UUID) -> Outcome:
        """As the gateway takes it in."""
        metadata = EventMetadata(tenant=tenant, actor="ada", source="http")
        submission = Submission(document_id, told.title, told.text, metadata, delivery, str(delivery))
        (outcome,) = await self.intake.take([submission], Deadline.after(LIMIT_S))
        return outcome

    async def send(self, tenant: str, document_id: str, told: Told, delivery: UUID) -> None:
        """As a producer sends it to the inbox."""
        sent = self.inbox[tenant]
        event = {
            "event_id": str(delivery),
            "event_type": "DocumentIngested",
            "aggregate_id": document_id,
            "event_data": {"title": told.title, "text": told.text},
            "timestamp": "2026-01-02T03:04:05Z",
        }
        sent.append(Message("inbox", 0, len(sent), len(sent), document_id.encode(), json.dumps(event).encode()))
        await self.receive(tenant, [len(sent) - 1])

    async def receive(self, tenant: str, numbers: Sequence[int]) -> None:
        """The inbox delivers these of its messages, for the first time or again."""
        handler = self.inboxes[tenant]
        await handler.handle([handler.read(self.inbox[tenant][number]) for number in numbers], {})

    # Deliveries of the log.

    async def deliver_some(self, chance: random.Random) -> None:
        """To one of the handlers any events, also those that it had; none of them counts as delivered."""
        await self.read_log()
        if self.log:
            name = chance.choice(sorted(self.handlers))
            await self._deliver(name, chance.choices(self.log, k=chance.randint(1, MOST)), {})

    async def deliver_all(self, chance: random.Random) -> None:
        """To every handler what it has not had yet and some of what it had, doubled and in any order, until nothing new
        comes of it."""
        while True:
            await self.read_log()
            behind = [name for name in self.handlers if self.delivered.get(name, 0) < len(self.log)]
            if not behind:
                break
            chance.shuffle(behind)
            for name in behind:
                await self._deliver_new(name, chance)
        for name in MODELS:
            if self.log and self.positions.get(name) != self.log[-1].position:
                await self._deliver(name, [], self._end_of_log(name))
                self.positions[name] = self.log[-1].position

    async def _deliver_new(self, name: str, chance: random.Random) -> None:
        begin, end = self.delivered.get(name, 0), len(self.log)
        new = [event for event in self.log[begin:end] if event.event_type in self.handlers[name].event_types]
        if new:
            again = chance.choices(self.log[:end], k=chance.randint(0, 3)) + chance.choices(new, k=chance.randint(0, 2))
            events = [*new, *again]
            chance.shuffle(events)
            cut = chance.randint(0, len(events))
            await self._deliver(name, events[:cut], {})
            await self._deliver(name, events[cut:], {})
        self.delivered[name] = end

    async def _deliver(self, name: str, events: Sequence[DomainEvent], positions: Mapping[Partition, int]) -> None:
        handler = self.handlers[name]
        messages = [_message(event) for event in events]
        items = [item for one in messages if (item := handler.read(one)) is not None]
        if items or positions:
            await handler.handle(items, positions)

    def _end_of_log(self, name: str) -> Mapping[Partition, int]:
        """For all partitions that a read model follows: as if the last record had been of each."""
        position = self.log[-1].position or 0
        return uniform_positions(self.stores.projections[name].model, self.stores.topics, position)

    # Erasing.

    async def erase(self, tenant: str, document_id: str, chance: random.Random) -> Erasure:
        """A document, while the deletion that this begins with is delivered."""
        deadline = Deadline.after(LIMIT_S)
        return await self.while_delivering(
            self.storage.erasing.erase(
                caller(tenant), [[document_id]], reason="asked for", correlation_id="e", deadline=deadline
            ),
            chance,
        )

    async def erase_subject(
        self, tenant: str, name: str, documents: Sequence[str], chance: random.Random
    ) -> SubjectErasure:
        """Whoever has this name, from the documents that were shown."""
        deadline = Deadline.after(LIMIT_S)
        return await self.while_delivering(
            self.storage.subjects.erase(
                caller(tenant), [name], documents, reason="asked for", correlation_id="e", deadline=deadline
            ),
            chance,
        )

    async def forgotten(self, tenant: str, entities: Collection[str]) -> None:
        """What was decided of these until now is erased."""
        head = await self.stores.reader.head()
        self.erased.update({(tenant, one): head for one in entities})

    async def while_delivering(self, doing: Coroutine[Any, Any, Result], chance: random.Random) -> Result:
        """What waits for deliveries, and the deliveries."""
        task = asyncio.create_task(doing)
        while not task.done():
            await self.deliver_all(chance)
            await asyncio.wait([task], timeout=PAUSE_S)
        return await task

    async def left(self, words: Sequence[str]) -> list[str]:
        """Rows of any table that say one of these, as text or as bytes."""
        pattern = "|".join(one for word in words for one in (re.escape(word), word.encode().hex()))
        tables = await self.stores.pool.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        looks = " UNION ALL ".join(
            f"SELECT '{one['name']}: ' || left(t::text, 300) AS row FROM {one['name']} AS t WHERE t::text ~* $1"
            for one in tables
        )
        return [row["row"] for row in await self.stores.pool.fetch(looks, pattern)]

    async def fault_of_log(self) -> str | None:
        """What `annals verify --log` finds."""
        found = await self.chain.verify(caller(TENANTS[0]), lambda _: None, deadline=Deadline.after(LIMIT_S))
        return None if found.fault is None else str(found.fault)

    # Read models.

    async def replay(self, names: Sequence[str]) -> None:
        """Build these anew; live ones go on."""
        await self.rebuilding.replay(caller(TENANTS[0]), names, lambda _: None, deadline=Deadline.after(LIMIT_S))

    async def break_off_replay(self, names: Sequence[str], after: int) -> bool:
        """The same, called off when it has reported so often; whether it was done by then."""
        deadline = Deadline.after(LIMIT_S)
        with patch("projections.replay.BATCH", FEW), contextlib.suppress(asyncio.CancelledError):
            await self.rebuilding.replay(caller(TENANTS[0]), names, _called_off(after), deadline=deadline)
            return True
        return False

    async def back(self, names: Sequence[str]) -> list[str]:
        """To the generations that were live before."""
        return await self.rebuilding.back(caller(TENANTS[0]), names, deadline=Deadline.after(LIMIT_S))

    async def change_embedder(self, revision: str) -> ChangedEmbedder:
        """This one takes over."""
        return await self.embedders.change(
            caller(TENANTS[0]), EmbedderName(revision), lambda _: None, deadline=Deadline.after(LIMIT_S)
        )

    async def change_entities(self, revision: str, after: int | None = None) -> ChangedReading | None:
        """This one finds entities from now on. `after`: called off when it has reported so often; None if it was."""
        deadline, name = Deadline.after(LIMIT_S), ExtractorName(revision)
        with (
            patch("services.processing.rereading.PAGE", FEW),
            patch("projections.replay.BATCH", FEW),
            contextlib.suppress(asyncio.CancelledError),
        ):
            report = _called_off(after)
            return await self.readings.change(caller(TENANTS[0]), "entities", name, report, deadline=deadline)
        return None

    async def make_past(self, position: int) -> None:
        """All read models as of a position."""
        await self.generations.make(
            caller(TENANTS[0]), PAST, position, MODELS, lambda _: None, deadline=Deadline.after(LIMIT_S)
        )

    async def past(self) -> Readers:
        """What reads them."""
        made = await self.generations.find(PAST, deadline=Deadline.after(LIMIT_S))
        ids = {name: one.id for name, one in made.parts.items()}
        return readers_of(self.stores.connections, self.stores.ontology, ids)

    async def drop_past(self) -> None:
        """They go."""
        made = await self.generations.find(PAST, deadline=Deadline.after(LIMIT_S))
        for one in made.parts.values():
            await self.rebuilding.drop(caller(TENANTS[0]), one.id, deadline=Deadline.after(LIMIT_S))

    async def differences(self, names: Sequence[str]) -> list[str]:
        """What `annals verify` finds in these."""
        verdicts = [
            await self.rebuilding.verify(caller(TENANTS[0]), name, lambda _: None, deadline=Deadline.after(LIMIT_S))
            for name in names
        ]
        return [verdict.difference for verdict in verdicts if verdict.difference is not None]

    async def assignments(self, tenant: str) -> dict[str, str]:
        """What rules said, as the log has it, until people or rules took it back."""
        return {entity: into for entity, (_, into) in self._assigned(tenant).items()}

    def assigned(self, tenant: str) -> dict[str, UUID]:
        """By which event each."""
        return {entity: event.event_id for entity, (event, _) in self._assigned(tenant).items()}

    def _assigned(self, tenant: str) -> dict[str, tuple[DomainEvent, str]]:
        found: dict[str, tuple[DomainEvent, str]] = {}
        for event in self.log:
            if event.tenant != tenant or event.kind != "entity":
                continue
            if (event.position or 0) <= self.erased.get((tenant, event.aggregate_id), 0):
                continue
            match event.event_data:
                case EntityAssigned(into=into):
                    found[event.aggregate_id] = (event, into)
                case EntityReleased():
                    found.pop(event.aggregate_id, None)
                case EntityDecisionUndone(version=version):
                    own = found.get(event.aggregate_id)
                    if own is not None and own[0].aggregate_version == version:
                        found.pop(event.aggregate_id)
        return found


def _called_off(after: int | None) -> Callable[[int], None]:
    """A report that calls off what reports to it, when that has done so often; None: it never does."""
    reports = itertools.count(1)

    def report(_: int) -> None:
        if after is not None and next(reports) > after:
            raise asyncio.CancelledError

    return report


def caller(tenant: str) -> Caller:
    """A person who may do everything."""
    return Caller(tenant, "ada", "test", FULL_ACCESS, str(uuid4()))


@contextlib.asynccontextmanager
async def open_world(dsn: str, data: Path) -> AsyncIterator[World]:
    """On a fresh database."""
    async with open_stores(load_settings(data=data), dsn) as stores:
        await open_read_models(stores)
        light, inference = light_inference(stores.outputs)
        vectors = stores.projections["vector"].model
        assert isinstance(vectors, VectorModel)
        vectors._make = light.vectors
        await _serve_first(stores)
        read = following_reading(inference, which_reading(stores))
        runners = stages_of(stores, inference, following(inference, which_embedder(stores)), read)
        resolution = resolution_of(stores, lambda: inference.embedder.revision)
        handlers: list[Handler[Any]] = [
            *(StageHandler(runner, stores.positions, stores.topics) for runner in runners),
            ResolutionHandler(resolution, stores.positions, stores.topics),
            *(ProjectionHandler(one.projector, stores.positions, stores.topics) for one in stores.projections.values()),
        ]
        order = DeliveryOrder(stores.letters, DeadLetterSink(stores.letters, stores.topics), stores.reader)
        intake = intake_of(stores)
        inbox = stores.topics.inboxes[0]
        topics = {one: inbox.model_copy(update={"name": f"inbox.{one}", "tenants": (one,)}) for one in TENANTS}
        audit = RememberedAudit()
        corrections = corrections_of(stores, inference, audit)
        yield World(
            stores=stores,
            handlers={handler.name: handler for handler in handlers},
            intake=intake,
            inboxes={tenant: InboxHandler(intake, order, topic) for tenant, topic in topics.items()},
            storage=storage_of(stores, audit),
            entities=EntityService(stores.commands, stores.reader, EntityLookup(stores.pool), stores.pool),
            relations=corrections.relations,
            chunks=corrections.chunks,
            undoing=corrections.undoing,
            rebuilding=(built := rebuilding(stores)),
            embedders=change_embedder(stores, built, inference),
            readings=change_reading(stores, built, inference),
            generations=past_generations(stores),
            chain=VerifyLog(ChainedEvents(stores.pool), Checkpoints(stores.pool)),
        )


async def _serve_first(stores: Stores) -> None:
    """As a worker says it when it starts."""
    serving, worker = serving_models(stores), caller(stores.settings.tenant)
    first, extractor, deadline = EMBEDDERS[0], EXTRACTORS[0], Deadline.after(LIMIT_S)
    named: dict[Task, str] = {"embedding": first, "entities": extractor, "relations": extractor}
    await serving.report(worker, named, deadline=deadline)
    await serving.keep(worker, first, EmbedderName(first), deadline=deadline)


def _message(event: DomainEvent) -> Message:
    """The event as the relay publishes it."""
    headers = {"event_type": event.event_type.encode(), "position": str(event.position).encode()}
    position = event.position or 0
    return Message("annals.documents", 0, position, 1, event.aggregate_id.encode(), encode(event), headers)
