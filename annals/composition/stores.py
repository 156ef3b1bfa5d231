"""Everything over one database, opened: what use cases and the roles of streams are made of, for nobody else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from confluent_kafka import KafkaException

from annals.composition.connections import ConnectionManager, open_connections
from annals.composition.inference import MadeVectors, known_embedders
from annals.composition.master_keys import open_master_key, stream_keys
from annals.composition.profiles import ReadSide, read_side
from annals.embedded.postgres import ensure_vector
from annals.ontology_file import read_ontology
from annals.settings import Settings
from contracts.ontology import Ontology
from contracts.topics import Topics, topics
from eventstore.access_version import AccessVersion
from eventstore.commands import Commands
from eventstore.dead_letters import DeadLetters
from eventstore.embedders import EmbedderNames
from eventstore.follower import LogFollower, open_follower
from eventstore.generations import GenerationRegistry
from eventstore.kafka.admin import BrokerAdmin
from eventstore.kafka.ownership import own_topics
from eventstore.log import EventLog
from eventstore.migrations import migrate
from eventstore.outputs import ModelOutputs
from eventstore.pool import PostgresPool, take_turn, transaction
from eventstore.position_key import position_key
from eventstore.positions import ConsumerPositions
from eventstore.reader import EventReader
from eventstore.receipts import InboxReceipts
from eventstore.stream_keys import StreamKeys
from eventstore.texts import TextStore
from projections.changes import ReadModel
from projections.generations import Generations
from projections.projection import Projection
from projections.projector import Projector
from projections.store import LiveStore
from security.master_key import MasterKey
from services.positions import ShownPositions
from services.processing.present_embedder import VECTOR, KnownEmbedders, ServingEmbedders, WhichEmbedder
from services.processing.present_reading import READ, ServingReadings


@dataclass(frozen=True)
class Stores:
    """The log with what belongs to it, and the read models. `projections` by name."""

    settings: Settings
    dsn: str
    topics: Topics
    connections: ConnectionManager
    master: MasterKey
    keys: StreamKeys
    reader: EventReader
    follower: LogFollower
    commands: Commands
    texts: TextStore
    outputs: ModelOutputs
    receipts: InboxReceipts
    positions: ConsumerPositions
    letters: DeadLetters
    access_version: AccessVersion
    ontology: Ontology
    read: ReadSide
    embedders: KnownEmbedders
    projections: dict[str, Projection]
    generations: Generations
    shown_positions: ShownPositions

    @property
    def log(self) -> EventLog:
        """What appends."""
        return self.connections.log

    @property
    def pool(self) -> PostgresPool:
        """PostgreSQL's."""
        return self.connections.postgres


@contextlib.asynccontextmanager
async def open_stores(settings: Settings, dsn: str) -> AsyncIterator[Stores]:
    """Bring the database to today's schema and open everything over it.

    Raises StoreUnavailableError, AnnalsError without pgvector, OldSchemaError, OntologyError.
    """
    ontology = read_ontology(settings.ontology)
    if settings.profile == "embedded":
        await ensure_vector(dsn)
    await migrate(dsn)
    async with contextlib.AsyncExitStack() as stack:
        connections = await stack.enter_async_context(open_connections(settings, dsn))
        pool = connections.postgres
        master = await stack.enter_async_context(open_master_key(settings))
        keys = await stream_keys(settings, pool, master)
        reader, texts, outputs = EventReader(pool, keys), TextStore(pool, keys), ModelOutputs(pool, keys.ids)
        commands = Commands(connections.log, reader, keys)
        stack.callback(commands.close)
        access_version = AccessVersion(dsn)
        stack.push_async_callback(access_version.close)
        embedders = known_embedders(settings, EmbedderNames(pool))
        vectors = MadeVectors(settings, outputs, embedders)
        stack.callback(vectors.close)
        read = read_side(connections, texts, outputs, access_version, ontology, settings.index_memory_mb, vectors)
        generations = Generations(GenerationRegistry(pool), {model.name: store for model, store in read.models})
        yield Stores(
            settings=settings,
            dsn=dsn,
            topics=topics(),
            connections=connections,
            master=master,
            keys=keys,
            reader=reader,
            follower=await stack.enter_async_context(open_follower(pool, dsn)),
            commands=commands,
            texts=texts,
            outputs=outputs,
            receipts=InboxReceipts(pool, keys.ids),
            positions=ConsumerPositions(pool),
            letters=DeadLetters(pool),
            access_version=access_version,
            ontology=ontology,
            read=read,
            embedders=embedders,
            projections={
                model.name: Projection(model, store, _projector(model, store, reader, generations))
                for model, store in read.models
            },
            generations=generations,
            shown_positions=ShownPositions(await position_key(pool)),
        )


def _projector(model: ReadModel, store: LiveStore, reader: EventReader, generations: Generations) -> Projector:
    """That of the vectors follows the embedder that serves, the others the models of entities and relations."""

    async def revision() -> str | None:
        present = await generations.present(model.name)
        return None if present is None else present.model_revision

    return Projector(model, store, reader, revision)


async def claim_servers(stores: Stores) -> None:
    """Check that the databases beside the log answer, and belong to this log.

    Raises ForeignServerError, StoreUnavailableError.
    """
    connections = stores.connections
    if connections.servers is not None:
        await connections.check()
        # Drivers that the embedded profile need not load.
        from annals.composition.ownership import claim

        await claim(connections.servers, await stores.reader.identity())


async def check_broker(stores: Stores, broker: str) -> None:
    """See that Kafka is not another log's; one that does not answer is asked again by the roles.

    Raises ForeignBrokerError.
    """
    admin, log_id = BrokerAdmin(stores.settings.kafka_client(broker)), await stores.reader.identity()
    with contextlib.suppress(KafkaException):
        await asyncio.to_thread(own_topics, admin, log_id)


async def open_read_models(stores: Stores) -> None:
    """Make the read models where there are none, one process at a time.

    Two that make the same index or constraint would be turned away by the server. Raises OldSchemaError,
    ForeignServerError, StoreUnavailableError.
    """
    async with transaction(stores.pool) as turn:
        await take_turn(turn, "open read models")
        await claim_servers(stores)
        for projection in stores.projections.values():
            await projection.store.open()
        await stores.generations.register_live()
        await _say_whose_vectors(stores)
        await _say_which_reading(stores)
        await stores.read.answers.open()
        await stores.read.limits.open()
    await _set_back_positions(stores)


async def _say_whose_vectors(stores: Stores) -> None:
    """Where the vectors were made before it was said whose they are, or none is there yet: as the log has it."""
    present = await stores.generations.present(VECTOR)
    if present is None or present.model_revision is not None:
        return
    serving = ServingEmbedders(stores.commands, stores.reader, stores.settings.tenant)
    revision = await serving.at(await stores.reader.head())
    if revision is not None:
        which = WhichEmbedder(stores.generations, stores.embedders)
        await which.serve(revision, await stores.read.passages.models())


async def _say_which_reading(stores: Stores) -> None:
    """Where the read models are empty, and the log is not: as the log has it."""
    for name in READ:
        present = await stores.generations.present(name)
        if present is None or present.model_revision is not None or await stores.projections[name].store.positions():
            continue
        serving = ServingReadings(stores.commands, stores.reader, stores.settings.tenant)
        reading = await serving.at(await stores.reader.head())
        if reading is not None:
            await stores.generations.registry.serve(name, reading)


async def _set_back_positions(stores: Stores) -> None:
    """Where a read model was lost and made anew, its consumer is as far as the read model is, and no further.

    A consumer's position is written after the read model's own. So one that was read first and is higher is of a
    read model that is not there any more.
    """
    known = await stores.positions.all()
    for name, projection in stores.projections.items():
        before = known.get(name, {})
        there = await projection.store.positions()
        if any(there.get(partition, 0) < position for partition, position in before.items()):
            await stores.positions.set_back(name, there)
