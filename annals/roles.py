"""The roles of production, each a process: relay, intake, worker, projector, gateway. `annals up` runs one of each."""

import asyncio
import contextlib
import logging.config
import signal
import threading
from typing import TYPE_CHECKING

from annals.composition.relay import relay_of
from annals.heartbeat import Heartbeat
from annals.live_settings import LiveSettings
from annals.logs import logging_config
from annals.metrics import serve_metrics
from annals.settings import Settings
from contracts.codec import NewerSchemaError
from eventstore.migrations import migrate
from streams import termination

if TYPE_CHECKING:
    from streams.roles import Role

ROLES = ("relay", "intake", "worker", "projector")
"""What processes documents."""
NICENESS = {"worker": 4}
"""How far roles give way for the processor where all run on one machine (nice(2)): who asks comes first, and while
nobody does they have all of it. With 4 two fifths of a share are left, also beside others' processes; with a tenth, as
10 leaves, a busy machine processed nothing."""
GATEWAY = "gateway"
SERVICE = "service"
"""One of the services, in a process of its own."""
UP = (*ROLES, GATEWAY)
"""What `annals up` starts: commands that bring what they need for their own length need no gateway."""


def service_role(name: str) -> str:
    """As the state and the heartbeats name the processes of a service."""
    return f"service-{name}"


def run_role(
    role: str, settings: Settings, dsn: str, broker: str, live: LiveSettings, service: str | None = None
) -> None:
    """Run until a signal ends it; Faust roles exit the process. `service`: which one the role `service` serves."""
    logging.config.dictConfig(logging_config(settings.log_level))
    live.take_signals()
    live.watch()
    serve_metrics(role, settings, dsn, broker)
    heartbeat = Heartbeat(settings.data, role if service is None else service_role(service))
    if role == "relay":
        _relay(settings, dsn, broker, heartbeat)
    elif role == SERVICE:
        from annals.service_process import run_service

        assert service is not None
        run_service(service, settings, dsn, heartbeat, live)
    elif role == GATEWAY:
        # HTTP's libraries, which no other role needs.
        from annals.gateway import run_gateway

        run_gateway(settings, dsn, broker, heartbeat, live)
    else:
        _stream(role, settings, dsn, broker, heartbeat)


def _relay(settings: Settings, dsn: str, broker: str, heartbeat: Heartbeat) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    asyncio.run(migrate(dsn))
    try:
        with relay_of(settings, dsn, broker, heartbeat.beat) as relay:
            relay.run(stop)
    except NewerSchemaError as error:
        heartbeat.end()
        termination.terminate(termination.OUTDATED, f"relay: {error}")
    heartbeat.end()


def _stream(role: str, settings: Settings, dsn: str, broker: str, heartbeat: Heartbeat) -> None:
    # Faust takes seconds to import, and the relay has no use for it.
    from annals.composition.stream_roles import open_role
    from streams.roles import run

    # Closed by the end of the process, and by nothing else.
    resources = contextlib.AsyncExitStack()

    async def opened() -> "Role":
        return await open_role(
            role,
            settings,
            dsn,
            broker,
            resources,
            beat=heartbeat.beat,
            ended=heartbeat.end,
            logging=logging_config(settings.log_level),
        )

    run(opened)
