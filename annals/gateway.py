"""The role `gateway`: opens what its handlers use, and serves until a signal ends it."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Iterator

import uvicorn

from annals.composition import Services, open_read_models, open_services
from annals.databases.health import report_pools
from annals.gateway_address import STOP_LIMIT_S, GatewayAddress
from annals.heartbeat import Heartbeat
from annals.service_layer import ServiceLayer, open_service_layer, storage_service
from annals.settings import Settings
from contracts.errors import AnnalsError
from gateway.app import EnhancedKnowledgeStorageGateway
from gateway.services import GatewayServices
from services.deadline import Deadline

log = logging.getLogger(__name__)

BEAT_S = 2.0


class Server(uvicorn.Server):
    """Signals are this role's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are taken elsewhere."""
        yield


class Models:
    """The services that run models, which are loaded in the background."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stack = contextlib.AsyncExitStack()
        self._opening: asyncio.Task[ServiceLayer] = asyncio.create_task(self._open())

    async def _open(self) -> ServiceLayer:
        return await self._stack.enter_async_context(open_service_layer(self._services))

    async def __call__(self, deadline: Deadline) -> ServiceLayer:
        """Once it is loaded. Raises InferenceError, DeadlineExceededError."""
        if self._opening.done() and self._opening.exception() is not None:
            self._opening = asyncio.create_task(self._open())
        async with deadline.enforce("loading the models"):
            return await asyncio.shield(self._opening)

    async def check(self) -> None:
        """Raises where it is not loaded."""
        if not self._opening.done():
            raise AnnalsError("the models are being loaded; ask again soon")
        self._opening.result()

    async def close(self) -> None:
        """Store what is still to be stored."""
        self._opening.cancel()
        await asyncio.gather(self._opening, return_exceptions=True)
        await self._stack.aclose()


def run_gateway(settings: Settings, dsn: str, heartbeat: Heartbeat) -> None:
    """Run until a signal ends it. Raises AnnalsError."""
    asyncio.run(_run(settings, dsn, heartbeat))
    heartbeat.end()


async def _run(settings: Settings, dsn: str, heartbeat: Heartbeat) -> None:
    address = GatewayAddress.of(settings)
    async with _gateway(settings, dsn) as app:
        server = Server(
            uvicorn.Config(
                app,
                host=address.host,
                port=address.port,
                lifespan="off",
                ws="none",
                http="httptools",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=int(STOP_LIMIT_S),
                ssl_certfile=settings.gateway_certificate,
                ssl_keyfile=settings.gateway_key,
            )
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
        beating = asyncio.create_task(_beat(heartbeat))
        try:
            log.info("the gateway listens: %s", address.url)
            await server.serve()
        finally:
            beating.cancel()


async def _beat(heartbeat: Heartbeat) -> None:
    while True:
        heartbeat.beat()
        await asyncio.sleep(BEAT_S)


@contextlib.asynccontextmanager
async def _gateway(settings: Settings, dsn: str) -> AsyncIterator[EnhancedKnowledgeStorageGateway]:
    async with open_services(settings, dsn) as services:
        await open_read_models(services)
        models = Models(services)
        reports = asyncio.create_task(report_pools(services.connections.monitor_pool_health))
        try:
            yield EnhancedKnowledgeStorageGateway(
                GatewayServices(
                    limits=services.limits,
                    storage=storage_service(services),
                    models=models,
                    checks={"databases": services.connections.check, "models": models.check},
                ),
                services.authentication,
                services.policies,
                services.audit,
            )
        finally:
            reports.cancel()
            await models.close()
