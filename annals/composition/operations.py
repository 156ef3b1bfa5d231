"""For whoever keeps it running."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

from confluent_kafka import KafkaException

from annals.addresses import without_password
from annals.composition.embedders import serving_embedders
from annals.composition.folding import fold_workers
from annals.composition.past import past_tables
from annals.composition.profiles import table_readers
from annals.composition.readings import serving_readings
from annals.composition.stores import Stores, claim_servers, open_read_models, open_stores
from annals.settings import Settings
from contracts.topics import topics
from eventstore.causes import RequestCauses
from eventstore.chained_events import ChainedEvents
from eventstore.checkpoints import Checkpoints
from eventstore.kafka.admin import BrokerAdmin, reason
from eventstore.lag import LagReader
from eventstore.reprocess_requests import ReprocessRequests
from eventstore.subscription_positions import SubscriptionPositions
from services.operations.dead_letters import DeadLetterService
from services.operations.events import ReadEvents
from services.operations.export import TransferEvents
from services.operations.health import Pool
from services.operations.log_verification import VerifyLog
from services.operations.progress import Progress, followed_partitions
from services.operations.proofs import ProveEvent
from services.operations.read_model_export import ExportReadModels
from services.operations.rebuilding import Rebuilding
from services.operations.reprocessing import Reprocess
from services.operations.status import LogParts, ReadStatus, StatusSources
from services.operations.subscriptions import Subscriptions
from services.operations.system_health import SystemHealth
from services.operations.tracing import TraceRequests
from services.operations.use_cases import Operations

BROKER_LIMIT_S = 3.0


def operations_of(stores: Stores, broker: str | None) -> Operations:
    """All of them; `broker` is Kafka's address, where one is known."""
    reprocess = _reprocess(stores)
    sources = _sources(
        stores.settings, stores.dsn, broker, lambda: contextlib.nullcontext(_log_parts(stores, reprocess))
    )
    events = ReadEvents(stores.reader, stores.shown_positions, stores.follower)
    return Operations(
        status=ReadStatus(sources),
        progress=Progress(stores.reader, stores.positions, stores.topics),
        rebuilding=rebuilding(stores),
        reprocess=reprocess,
        dead_letters=DeadLetterService(stores.letters),
        events=events,
        traces=TraceRequests(events, stores.reader, RequestCauses(stores.pool), stores.positions, stores.topics),
        positions=stores.shown_positions,
        subscriptions=Subscriptions(events, SubscriptionPositions(stores.pool)),
        transfer=TransferEvents(stores.pool, stores.letters, stores.master),
        tables=ExportReadModels(table_readers(stores.connections), past_tables(stores).of),
        log=VerifyLog(ChainedEvents(stores.pool), Checkpoints(stores.pool)),
        proofs=ProveEvent(events, ChainedEvents(stores.pool), Checkpoints(stores.pool)),
        pools=stores.connections,
        system_health=SystemHealth(stores.commands),
    )


def status_of(settings: Settings, dsn: str, broker: str | None) -> ReadStatus:
    """The status of an installation of which nothing is open yet, and perhaps nothing answers."""
    return ReadStatus(_sources(settings, dsn, broker, partial(_open_log, settings, dsn)))


def rebuilding(stores: Stores) -> Rebuilding:
    """For an edge, and for the projector, which removes what others left behind."""
    return Rebuilding(
        stores.dsn,
        stores.projections,
        stores.reader,
        stores.positions,
        stores.topics,
        partial(claim_servers, stores),
        stores.generations,
        stores.settings.keep_generation_seconds,
        serving_embedders(stores),
        serving_readings(stores),
        fold_workers(stores.settings, stores.dsn),
    )


def _reprocess(stores: Stores) -> Reprocess:
    return Reprocess(
        stores.reader,
        ReprocessRequests(stores.pool, stores.keys.ids),
        stores.positions,
        stores.letters,
        stores.read.relational,
        stores.topics,
    )


def _sources(
    settings: Settings,
    dsn: str,
    broker: str | None,
    open_log: Callable[[], AbstractAsyncContextManager[LogParts]],
) -> StatusSources:
    return StatusSources(
        topics=topics(),
        postgres=without_password(dsn),
        open_log=open_log,
        open_others=partial(_open_others, settings),
        ask_broker=None if broker is None else partial(_ask_broker, settings, broker),
    )


def _log_parts(stores: Stores, reprocess: Reprocess) -> LogParts:
    return LogParts(
        pools=stores.connections.pools,
        reader=stores.reader,
        letters=stores.letters,
        positions=stores.positions,
        relational=stores.read.relational,
        reprocess=reprocess,
        projections=stores.projections,
        lag=LagReader(stores.dsn, followed_partitions(stores.topics)),
        open_read_models=partial(open_read_models, stores),
    )


@contextlib.asynccontextmanager
async def _open_log(settings: Settings, dsn: str) -> AsyncIterator[LogParts]:
    async with open_stores(settings, dsn) as stores:
        yield _log_parts(stores, _reprocess(stores))


@contextlib.asynccontextmanager
async def _open_others(settings: Settings) -> AsyncIterator[Sequence[Pool]]:
    """The pools of the servers beside PostgreSQL."""
    if settings.profile != "servers":
        yield ()
        return
    # Three drivers that the embedded profile need not load.
    from annals.composition.servers import Servers

    servers = Servers(settings)
    try:
        yield servers.pools
    finally:
        await servers.close()


def _ask_broker(settings: Settings, address: str) -> None:
    try:
        BrokerAdmin(settings.kafka_client(address)).topics(BROKER_LIMIT_S)
    except KafkaException as error:
        raise RuntimeError(f"at {address}: {reason(error)}") from error
