"""The role `gateway`: opens what its handlers use, and serves until a signal ends it."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Iterator

import uvicorn

from annals.composition.audited import audited_service
from annals.composition.use_cases import UseCases, open_use_cases
from annals.gateway_address import STOP_LIMIT_S, GatewayAddress
from annals.heartbeat import Heartbeat
from annals.live_settings import LiveSettings
from annals.reading import read_limits
from annals.settings import Settings
from gateway.app import EnhancedKnowledgeStorageGateway
from gateway.chain import ASGIApp
from gateway.connections import BoundedHttp
from gateway.erasures import keep_taking_up
from gateway.errors import StartingError
from gateway.jobs import Jobs
from gateway.opening import Opening
from gateway.services import GatewayServices
from gateway.streams import LiveStreams
from inference.formats.pool import ReaderPool
from services.deadline import Deadline
from services.operations.health import report_pools
from services.processing.interface import AiProcessing
from services.reasoning.interface import Reasoning
from services.storage.file_taking import TakeFiles
from telemetry.collector import collect_rarely

log = logging.getLogger(__name__)

BEAT_S = 2.0
WAIT_SHARE = 0.5
"""Of a request's time: how long it waits for models that are being loaded. The rest is for what is done with them."""


class Server(uvicorn.Server):
    """Signals are this role's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are taken elsewhere."""
        yield


class Models:
    """The services that run models, which are loaded in the background."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases
        self._loading = asyncio.create_task(self._load())

    async def __call__(self, deadline: Deadline) -> "Models":
        """Once it is loaded. Raises InferenceError; StartingError where a share of the time was not enough for it."""
        if self._loading.done() and self._loading.exception() is not None:
            self._loading = asyncio.create_task(self._load())
        await asyncio.wait((self._loading,), timeout=WAIT_SHARE * deadline.remaining_s)
        await self.check()
        return self

    @property
    def processing(self) -> AiProcessing:
        """Of texts that a caller sends."""
        return self._use_cases.services.processing

    @property
    def reasoning(self) -> Reasoning:
        """Of questions."""
        return self._use_cases.services.reasoning

    async def check(self) -> None:
        """Raises where it is not loaded."""
        if not self._loading.done():
            raise StartingError("the models are being loaded; ask again soon")
        self._loading.result()

    async def _load(self) -> None:
        await self._use_cases.load()
        collect_rarely()

    async def close(self) -> None:
        """They may still be loading."""
        self._loading.cancel()
        await asyncio.gather(self._loading, return_exceptions=True)


def run_gateway(settings: Settings, dsn: str, broker: str, heartbeat: Heartbeat, live: LiveSettings) -> None:
    """Run until a signal ends it. `broker`: Kafka's address, for the status. Raises AnnalsError."""
    asyncio.run(_run(settings, dsn, broker, heartbeat, live))
    heartbeat.end()


async def _run(settings: Settings, dsn: str, broker: str, heartbeat: Heartbeat, live: LiveSettings) -> None:
    streams, opening, starting = LiveStreams(), Opening(), asyncio.current_task()
    assert starting is not None, "it is run by asyncio"
    server = Server(server_config(opening, settings))

    def stop() -> None:
        streams.stopping.set()
        server.should_exit = True
        if not opening.is_open:
            starting.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    with GatewayAddress.of(settings).listening() as address:
        serving = asyncio.create_task(server.serve(sockets=[address.socket]))
        try:
            async with _gateway(settings, dsn, broker, live, streams) as gateway:
                opening.open(gateway)
                log.info("the gateway listens: %s", address.url)
                beating = asyncio.create_task(_beat(heartbeat))
                try:
                    await serving
                finally:
                    beating.cancel()
        except asyncio.CancelledError:
            if opening.is_open or not server.should_exit:
                raise
        finally:
            server.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)


def server_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves it; where it listens is another's to say."""
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        http=BoundedHttp,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.gateway_trusted_proxies),
        forwarded_allow_ips=list(settings.gateway_trusted_proxies),
        timeout_graceful_shutdown=int(STOP_LIMIT_S),
        ssl_certfile=settings.gateway_certificate,
        ssl_keyfile=settings.gateway_key,
    )


async def _beat(heartbeat: Heartbeat) -> None:
    while True:
        heartbeat.beat()
        await asyncio.sleep(BEAT_S)


@contextlib.asynccontextmanager
async def _gateway(
    settings: Settings, dsn: str, broker: str, live: LiveSettings, streams: LiveStreams
) -> AsyncIterator[EnhancedKnowledgeStorageGateway]:
    async with open_use_cases(settings, dsn, broker=broker) as use_cases:
        live.on_change("questions_per_minute", use_cases.ask.limit_to)
        models, jobs = Models(use_cases), Jobs()
        readers = ReaderPool(read_limits(settings))
        pools = use_cases.operations.pools
        reports = asyncio.create_task(report_pools(pools.monitor_pool_health))
        # Here, and in no role of its own: it waits for others most of the time, and one of all gateways does it.
        webhooks = asyncio.create_task(use_cases.webhooks.deliverer.run())
        pruning = asyncio.create_task(use_cases.idempotency.keep_pruned())
        # The role that has the master key, with which the key that signs is sealed.
        signing = asyncio.create_task(use_cases.security.checkpoints.keep_made(60.0 * settings.checkpoint_minutes))
        erasing = asyncio.create_task(keep_taking_up(jobs, use_cases.storage.asked_erasures))
        try:
            gateway = EnhancedKnowledgeStorageGateway(
                _services(use_cases, models, jobs, streams, readers),
                use_cases.security.authentication,
                use_cases.security.policies,
                use_cases.security.audit,
                origins=settings.gateway_origins,
            )
            async with gateway.serving():
                yield gateway
        finally:
            reports.cancel()
            pruning.cancel()
            signing.cancel()
            erasing.cancel()
            webhooks.cancel()
            await asyncio.gather(webhooks, return_exceptions=True)
            readers.close()
            await jobs.close()
            await models.close()


def _services(
    use_cases: UseCases, models: Models, jobs: Jobs, streams: LiveStreams, readers: ReaderPool
) -> GatewayServices:
    storage = audited_service(use_cases.services.storage, use_cases.security.audit)
    return GatewayServices(
        limits=use_cases.limits,
        idempotency=use_cases.idempotency,
        storage=storage,
        files=TakeFiles(storage, readers),
        documents=use_cases.storage,
        knowledge=use_cases.knowledge,
        corrections=use_cases.corrections,
        model_cache=use_cases.model_cache,
        embedder=use_cases.embedder,
        reading=use_cases.reading,
        preview=use_cases.preview,
        search=use_cases.search,
        past=use_cases.past,
        operations=use_cases.operations,
        serving=use_cases.models,
        security=use_cases.security,
        webhooks=use_cases.webhooks.service,
        jobs=jobs,
        streams=streams,
        positions=use_cases.operations.positions,
        models=models,
        checks={
            "databases": use_cases.operations.pools.check,
            "models": models.check,
            "services": use_cases.check_services,
        },
    )
