"""The roles of production, each a process: relay, intake, worker, projector, gateway. `annals up` runs one of each."""

import asyncio
import contextlib
import logging.config
import signal
import threading
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from annals.composition import Services, open_read_models, open_services
from annals.databases.health import report_pools
from annals.heartbeat import Heartbeat
from annals.logs import logging_config
from annals.metrics import serve_metrics
from annals.settings import Settings
from contracts.codec import NewerSchemaError
from contracts.topics import topics
from eventstore.kafka.progress import RelayProgressReader
from eventstore.kafka.relay import Relay
from eventstore.migrations import migrate
from eventstore.pool import close_pool, open_pool
from eventstore.positions import ConsumerPositions
from services.operations.progress import overall_low_watermark
from streams import termination

ROLES = ("relay", "intake", "worker", "projector")
"""What processes documents."""
GATEWAY = "gateway"
UP = (*ROLES, GATEWAY)
"""What `annals up` starts: commands that bring what they need for their own length need no gateway."""


def run_role(role: str, settings: Settings, dsn: str, broker: str) -> None:
    """Run until a signal ends it; Faust roles exit the process."""
    logging.config.dictConfig(logging_config(settings.log_level))
    serve_metrics(role, settings, dsn)
    heartbeat = Heartbeat(settings.data, role)
    if role == "relay":
        _relay(settings, dsn, broker, heartbeat)
    elif role == GATEWAY:
        # HTTP's libraries, which no other role needs.
        from annals.gateway import run_gateway

        run_gateway(settings, dsn, heartbeat)
    else:
        _stream(role, settings, dsn, broker, heartbeat)


def _relay(settings: Settings, dsn: str, broker: str, heartbeat: Heartbeat) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    asyncio.run(migrate(dsn))

    # Asked once in a broker's life, so it opens what it needs and closes it again.
    needed = partial(refill_position, dsn)
    relay = Relay(dsn, settings.kafka_client(broker), topics(), needed, heartbeat.beat)
    try:
        relay.run(stop)
    except NewerSchemaError as error:
        heartbeat.end()
        termination.terminate(termination.OUTDATED, f"relay: {error}")
    heartbeat.end()


def refill_position(dsn: str) -> int:
    """Behind which position a broker that lost everything is filled: PostgreSQL knows. Raises StoreUnavailableError."""

    async def needed() -> int:
        pool = await open_pool(dsn, max_size=1)
        try:
            return await overall_low_watermark(ConsumerPositions(pool), topics())
        finally:
            await close_pool(pool)

    return asyncio.run(needed())


def _stream(role: str, settings: Settings, dsn: str, broker: str, heartbeat: Heartbeat) -> None:
    # Faust takes seconds to import, and the relay has no use for it.
    from streams.dead_letter_sink import DeadLetterSink
    from streams.roles import Role, run

    # Closed by the end of the process, and by nothing else.
    resources = contextlib.AsyncExitStack()

    async def open_role() -> Role:
        # Where it cannot be opened, what is open already is closed in good order, and says nothing.
        async with contextlib.AsyncExitStack() as opening:
            services = await opening.enter_async_context(open_services(settings, dsn))
            sink = DeadLetterSink(services.letters, services.topics)
            handlers = await _handlers(role, services, sink)
            log_id = await services.reader.identity()
            reports = asyncio.create_task(report_pools(services.connections.monitor_pool_health))
            opening.callback(reports.cancel)
            if role == "intake":
                pruning = asyncio.create_task(services.receipts.keep_pruned(timedelta(days=settings.receipt_days)))
                opening.callback(pruning.cancel)
            resources.push_async_exit(opening.pop_all())
        return Role(
            name=role,
            log_id=log_id,
            handlers=handlers,
            dead_letter_sink=sink,
            relay_progress=RelayProgressReader(dsn),
            reader=services.reader,
            positions=services.positions,
            bootstrap=broker,
            folder=settings.data / "run" / "faust",
            beat=heartbeat.beat,
            ended=heartbeat.end,
            kafka=settings.kafka,
            stall_s=settings.stall_seconds,
            logging=logging_config(settings.log_level),
        )

    run(open_role)


async def _handlers(role: str, services: Services, sink: Any) -> Sequence[Any]:
    if role == "intake":
        from streams.delivery_order import DeliveryOrder
        from streams.inbox import InboxHandler

        order = DeliveryOrder(services.letters, sink, services.reader)
        return [InboxHandler(services.intake, order, topic) for topic in services.topics.inboxes]
    if role == "projector":
        from streams.caching import CachingHandler
        from streams.projecting import ProjectionHandler

        await open_read_models(services)
        await services.rebuilding.remove_leftovers()
        models = [
            ProjectionHandler(one.projector, services.positions, services.topics)
            for one in services.projections.values()
        ]
        return [*models, CachingHandler(services.answers, services.topics)]
    return await _stages(services)


async def _stages(services: Services) -> Sequence[Any]:
    from annals.models import check_serving, open_inference, report_models
    from services.processing.chunking import Chunking
    from services.processing.completion import Completion
    from services.processing.entities import Entities
    from services.processing.relationships import Relationships
    from services.processing.stage import StageRunner
    from streams.stage_handler import StageHandler

    await check_serving(services)
    inference = open_inference(services.settings, services.outputs)
    await inference.warm_up()
    await report_models(services, inference)
    stages = (
        Chunking(services.texts, inference),
        Entities(services.texts, inference),
        Relationships(services.texts, inference),
        Completion(),
    )
    runners = [StageRunner(stage, services.commands) for stage in stages]
    return [StageHandler(runner, services.positions, services.topics) for runner in runners]
