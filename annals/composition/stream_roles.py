"""What runs in each role of streams: its handlers with what they need, and nothing that an edge calls."""

import asyncio
import contextlib
import logging as logs
from collections.abc import Callable, Sequence
from typing import Any

from annals.composition.compliance import retention_of, sealing_of
from annals.composition.embedders import following, which_embedder
from annals.composition.inference import open_inference
from annals.composition.models import serving_models
from annals.composition.operations import rebuilding
from annals.composition.past import keep_snapshots
from annals.composition.readings import rereading, which_reading
from annals.composition.storage import intake_of
from annals.composition.stores import Stores, open_read_models, open_stores
from annals.settings import Settings
from contracts.system import Task
from eventstore.audit import open_audit
from eventstore.audit_entries import AuditEntries
from eventstore.kafka.progress import RelayProgressReader
from eventstore.names import Names
from inference.runner import Inference
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.operations.health import report_pools
from services.operations.rebuilding import LEFTOVERS_LIMIT_S
from services.processing.chunking import Chunking, Follow
from services.processing.completion import Completion
from services.processing.contexts import Contexts
from services.processing.descriptions import Descriptions
from services.processing.entities import Entities
from services.processing.homonyms import Homonyms
from services.processing.present_reading import following_reading
from services.processing.recent import RecentDocuments
from services.processing.relationships import Relationships
from services.processing.resolution import Resolution
from services.processing.serving import MODELS_LIMIT_S
from services.processing.stage import Stage, StageRunner
from services.processing.stragglers import CompletionRunner
from services.security.retention import RetentionService
from streams.caching import CachingHandler
from streams.dead_letter_sink import DeadLetterSink
from streams.delivery_order import DeliveryOrder
from streams.handler import APART_S, Handler
from streams.inbox import InboxHandler
from streams.position_keeper import PositionKeeper
from streams.projecting import SEVERAL_APART_S, ProjectionHandler
from streams.resolving import ResolutionHandler
from streams.roles import Role
from streams.stage_handler import StageHandler

log = logs.getLogger(__name__)

Handlers = Sequence[Handler[Any]]


async def open_role(
    name: str,
    settings: Settings,
    dsn: str,
    broker: str,
    resources: contextlib.AsyncExitStack,
    *,
    beat: Callable[[], None],
    ended: Callable[[], None],
    logging: dict[str, Any],
) -> Role:
    """The role `intake`, `worker` or `projector`; what it opens is closed by `resources`, or at once where it fails.

    Raises StoreUnavailableError, AnnalsError.
    """
    async with contextlib.AsyncExitStack() as opening:
        stores = await opening.enter_async_context(open_stores(settings, dsn))
        sink = DeadLetterSink(stores.letters, stores.topics)
        handlers = await _HANDLERS[name](stores, sink)
        log_id = await stores.reader.identity()
        reports = asyncio.create_task(report_pools(stores.connections.monitor_pool_health))
        opening.callback(reports.cancel)
        if name == "intake":
            audit = await opening.enter_async_context(open_audit(AuditEntries(stores.pool), settings.audit_level))
            retention = RetentionService(retention_of(stores), audit)
            retaining = asyncio.create_task(retention.keep_applied())
            opening.callback(retaining.cancel)
            sealing = asyncio.create_task(sealing_of(stores).keep_sealed())
            opening.callback(sealing.cancel)
        if name == "projector":
            removing = asyncio.create_task(rebuilding(stores).keep_removing())
            opening.callback(removing.cancel)
            snapshots = asyncio.create_task(keep_snapshots(stores).keep_made(3600.0 * settings.snapshot_hours))
            opening.callback(snapshots.cancel)
        resources.push_async_exit(opening.pop_all())
    return Role(
        name=name,
        log_id=log_id,
        handlers=handlers,
        dead_letter_sink=sink,
        relay_progress=RelayProgressReader(dsn),
        reader=stores.reader,
        positions=stores.positions,
        bootstrap=broker,
        folder=settings.data / "run" / "faust",
        beat=beat,
        ended=ended,
        kafka=settings.kafka,
        stall_s=settings.stall_seconds,
        logging=logging,
        catches_up=name == "worker",
        # A broker in a process of ours looks again and again while it waits; Kafka does not.
        published_dsn=dsn if settings.profile == "embedded" else None,
    )


async def _intake(stores: Stores, sink: DeadLetterSink) -> Handlers:
    order = DeliveryOrder(stores.letters, sink, stores.reader)
    intake = intake_of(stores)
    return [InboxHandler(intake, order, topic) for topic in stores.topics.inboxes]


async def _projector(stores: Stores, _: DeadLetterSink) -> Handlers:
    await open_read_models(stores)
    await rebuilding(stores).remove_leftovers(deadline=Deadline.after(LEFTOVERS_LIMIT_S))
    positions = PositionKeeper(stores.pool)
    # A document can be found as soon as the vector read model has its chunks, which come with one event.
    models = [
        ProjectionHandler(one.projector, positions, stores.topics, APART_S if name == "vector" else SEVERAL_APART_S)
        for name, one in stores.projections.items()
    ]
    return [*models, CachingHandler(stores.read.answers, stores.topics)]


async def _worker(stores: Stores, _: DeadLetterSink) -> Handlers:
    caller = Caller(stores.settings.tenant, "annals", "worker", FULL_ACCESS)
    serving = serving_models(stores)
    await serving.check(caller, deadline=Deadline.after(MODELS_LIMIT_S))
    inference = open_inference(stores.settings, stores.outputs)
    named = inference.serving
    follow = following(inference, which_embedder(stores))
    read = following_reading(inference, which_reading(stores))
    await follow()
    await read()
    if inference.serving != named:
        log.info("%s serves; the setting embedder names what an installation begins with", inference.serving.name)
    await inference.warm_up()
    revisions: dict[Task, str] = {
        "embedding": inference.embedder.revision,
        "entities": inference.entities.revision,
        "relations": inference.relations.revision,
    }
    await serving.report(caller, revisions, deadline=Deadline.after(MODELS_LIMIT_S))
    await serving.keep(caller, revisions["embedding"], inference.serving, deadline=Deadline.after(MODELS_LIMIT_S))
    resolution = resolution_of(stores, lambda: inference.embedder.revision)
    positions = PositionKeeper(stores.pool)
    first, *others = stages_of(stores, inference, follow, read)
    return [
        StageHandler(first, positions, stores.topics),
        *(StageHandler(runner, positions, stores.topics, is_handed_on=True) for runner in others),
        ResolutionHandler(resolution, positions, stores.topics),
    ]


def stages_of(stores: Stores, inference: Inference, follow: Follow, read: Follow) -> list[StageRunner]:
    """In their order, each with the next one to hand on to. `follow` and `read` have `inference` use the embedder, and
    the models of entities and relations, that serve now.
    """
    recent, last = RecentDocuments(), Completion(stores.texts, inference)
    which, again = which_reading(stores), rereading(stores)
    runner: StageRunner = CompletionRunner(last, stores.commands, recent, which, read, inference, again)
    runners = [runner]
    earlier: tuple[Stage, ...] = (
        Relationships(stores.texts, inference, read),
        Entities(stores.texts, inference, read),
        Chunking(stores.texts, inference, follow),
    )
    for stage in earlier:
        runner = StageRunner(stage, stores.commands, recent, then=runner)
        runners.append(runner)
    return runners[::-1]


def resolution_of(stores: Stores, embedder: Callable[[], str]) -> Resolution:
    """Of names to entities, by contexts that are vectors of the embedder of this revision."""
    contexts = Contexts(stores.reader, stores.outputs, embedder)
    homonyms = Homonyms(Descriptions(stores.reader, stores.texts), contexts, stores.commands)
    return Resolution(Names(stores.pool), contexts, homonyms, stores.commands, stores.reader)


_HANDLERS = {"intake": _intake, "projector": _projector, "worker": _worker}
