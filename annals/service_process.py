"""`annals run service NAME`: one service in a process of its own, until a signal ends it."""

import asyncio
import logging
import signal

from annals.composition.use_cases import UseCases, open_use_cases
from annals.heartbeat import Heartbeat
from annals.live_settings import LiveSettings
from annals.service_tls import check_serving
from annals.settings import Settings
from security.access import Access
from security.service_tokens import ServiceIdentity
from services.mesh.caller_claims import AccessInputs
from services.mesh.operations import PROCESSING, REASONING, STORAGE, VERSION
from services.mesh.service_host import ServiceHost
from services.processing import service as processing
from services.reasoning import ask as reasoning
from services.storage import service as storage
from telemetry.collector import collect_rarely

log = logging.getLogger(__name__)

CAPACITY = {PROCESSING: processing.RUNNING, STORAGE: storage.RUNNING, REASONING: reasoning.RUNNING}
"""What each service does at once, by which its load is counted."""


def run_service(name: str, settings: Settings, dsn: str, heartbeat: Heartbeat, live: LiveSettings) -> None:
    """Raises AnnalsError, StoreUnavailableError, OSError where its port is taken."""
    asyncio.run(_run(name, settings, dsn, heartbeat, live))
    heartbeat.end()


async def _run(name: str, settings: Settings, dsn: str, heartbeat: Heartbeat, live: LiveSettings) -> None:
    tls = check_serving(settings, settings.service_host)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    # Here the services are held, whatever a gateway is to do.
    held = settings.model_copy(update={"services": "in_process"})
    async with open_use_cases(held, dsn) as use_cases:
        live.on_change("questions_per_minute", use_cases.ask.limit_to)
        await _load(name, use_cases)
        for registry in use_cases.registries.all:
            await registry.open()

        async def access_of(inputs: AccessInputs) -> Access:
            policies = use_cases.security.policies
            return await policies.access_of_the_vouched_for(inputs.principal, inputs.address)

        handle = await ServiceHost(
            ServiceIdentity(name),
            getattr(use_cases.services, name),
            use_cases.registries.keys,
            use_cases.registries.all,
            access_of,
            version=VERSION,
            capacity=CAPACITY[name],
            host=settings.service_host,
            port=settings.service_port,
            advertised=settings.service_advertised,
            beat=heartbeat.beat,
            tls=tls,
        ).start_service()
        log.info("the service %s is served: %s", name, handle.instance.address)
        waiting, told = asyncio.ensure_future(handle.wait()), asyncio.ensure_future(ended.wait())
        await asyncio.wait({waiting, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        await handle.stop()


async def _load(name: str, use_cases: UseCases) -> None:
    """The models that the service runs. Raises InferenceError."""
    if name == PROCESSING:
        await use_cases.follow()
        await use_cases.inference.warm_up()
    elif name == REASONING:
        await use_cases.ask.load()
    collect_rarely()
