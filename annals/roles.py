"""The roles of production, each a process: relay, intake, worker, projector. `annals up` runs one of each."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Sequence
from typing import Any

from annals.composition import Services, lowest_needed, open_read_models, open_services
from annals.settings import Settings
from contracts.topics import topics
from eventstore.marks import RelayMarks
from eventstore.migrations import migrate
from eventstore.relay import Relay

ROLES = ("relay", "intake", "worker", "projector")


def run_role(role: str, settings: Settings, dsn: str, broker: str) -> None:
    """Run until a signal ends it; Faust roles exit the process."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    for chatty in ("aiokafka", "faust", "mode", "eventsourcing", "httpx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    if role == "relay":
        _relay(settings, dsn, broker)
    else:
        _stream(role, settings, dsn, broker)


def _relay(settings: Settings, dsn: str, broker: str) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    asyncio.run(migrate(dsn))

    async def needed() -> int:
        async with open_services(settings, dsn) as services:
            return await lowest_needed(services)

    client = {"bootstrap.servers": broker, **settings.kafka}
    # Asked once in a broker's life, so it opens what it needs and closes it again.
    Relay(dsn, client, topics(), lambda: asyncio.run(needed())).run(stop)


def _stream(role: str, settings: Settings, dsn: str, broker: str) -> None:
    # Faust takes seconds to import, and the relay has no use for it.
    from streams.graveyard import Graveyard
    from streams.roles import Role, run

    # Closed by the end of the process, and by nothing else.
    resources = contextlib.AsyncExitStack()

    async def open_role() -> Role:
        services = await resources.enter_async_context(open_services(settings, dsn))
        return Role(
            name=role,
            handlers=await _handlers(role, services),
            graveyard=Graveyard(services.letters),
            marks=RelayMarks(dsn),
            bootstrap=broker,
            kafka=settings.kafka,
            stall_s=settings.stall_seconds,
        )

    run(open_role)


async def _handlers(role: str, services: Services) -> Sequence[Any]:
    if role == "intake":
        from streams.inbox import InboxHandler

        return [InboxHandler(services.intake, services.topics)]
    if role == "projector":
        from streams.caching import CachingHandler
        from streams.projecting import ProjectionHandler

        await open_read_models(services)
        models = [ProjectionHandler(one.projector, services.topics) for one in services.projections.values()]
        return [*models, CachingHandler(services.answers, services.topics)]
    return await _stages(services)


async def _stages(services: Services) -> Sequence[Any]:
    from annals.models import open_inference, report_models
    from streams.stages.chunking import Chunking
    from streams.stages.completion import Completion
    from streams.stages.entities import Entities
    from streams.stages.relationships import Relationships
    from streams.stages.stage import StageHandler

    inference = open_inference(services.settings, services.outputs)
    await inference.warm_up()
    await report_models(services, inference)
    stages = (
        Chunking(services.texts, inference),
        Entities(services.texts, inference),
        Relationships(services.texts, inference),
        Completion(),
    )
    return [StageHandler(stage, services.commands, services.positions, services.topics) for stage in stages]
