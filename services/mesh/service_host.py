"""`start_service` (specification 1.2): an open service is served, watched and registered until its handle stops it."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator, Sequence

import uvicorn

from external.listening import listening_at, url_of
from security.service_tokens import ServiceIdentity
from services.mesh.caller_claims import AccessOf
from services.mesh.lease import registered
from services.mesh.operations import operations_of
from services.mesh.registry import Instance, ServiceKeys, ServiceRegistry
from services.mesh.rpc_server import RpcServer
from services.mesh.tls import MutualTls
from telemetry import metrics

log = logging.getLogger(__name__)

STOP_LIMIT_S = 10.0
"""How long requests under way may take to end."""
LOAD_EVERY_S = 0.5
LISTENED = 512
"""Connections that wait to be taken."""
KEEP_ALIVE_S = 60
"""Longer than clients keep an idle connection, so that none is closed under a request that is on its way."""


class ServiceHandle:
    """A service that runs: its name, its endpoints (`http://HOST:PORT/rpc/OPERATION`), and the way to end it."""

    def __init__(self, instance: Instance, stop: Callable[[], object], done: "asyncio.Task[None]") -> None:
        self.service_name = instance.service
        self.instance = instance
        self.endpoints = tuple(f"{instance.address}/rpc/{name}" for name in operations_of(instance.service))
        self._stop, self._done = stop, done

    async def stop(self) -> None:
        """Nobody finds it any more; then requests under way end, within STOP_LIMIT_S."""
        self._stop()
        await self.wait()

    async def wait(self) -> None:
        """Until it has ended. Raises what it ended with."""
        await asyncio.shield(self._done)


class _Server(uvicorn.Server):
    """Leaves the process' signals alone: they are its owner's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ServiceHost:
    """Serves one opened service: `service` has the operations of the identity's service."""

    def __init__(
        self,
        identity: ServiceIdentity,
        service: object,
        keys: ServiceKeys,
        registries: Sequence[ServiceRegistry],
        access_of: AccessOf,
        *,
        version: str,
        host: str = "127.0.0.1",
        port: int = 0,
        advertised: str | None = None,
        capacity: int = 4,
        beat: Callable[[], None] = lambda: None,
        tls: MutualTls | None = None,
    ) -> None:
        """`advertised`: the host that others reach it by; `host`, or this machine's name where that is all addresses.

        `capacity`: requests at once that make a load of 1.
        """
        self._identity = identity
        self._registries = list(registries)
        self._server = RpcServer(identity, service, keys, access_of, capacity)
        self._version, self._host, self._port, self._tls = version, host, port, tls
        all_addresses = host in ("0.0.0.0", "::")
        self._advertised, self._beat = advertised or (socket.gethostname() if all_addresses else host), beat

    async def start_service(self) -> ServiceHandle:
        """Listen, then be found. Raises OSError where the address is taken, StoreUnavailableError."""
        listening = listening_at(self._host, self._port, LISTENED)
        port = listening.getsockname()[1]
        peer = self._identity.peer
        instance = Instance(
            peer.service,
            peer.instance,
            self._version,
            url_of(self._advertised, port, tls=self._tls is not None),
            self._identity.public_key,
        )
        config = uvicorn.Config(
            self._server.app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=round(STOP_LIMIT_S),
            timeout_keep_alive=KEEP_ALIVE_S,
            **({} if self._tls is None else self._tls.server()),
        )
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        stopping = asyncio.Event()
        done = asyncio.create_task(self._serve(_Server(config), listening, instance, ready, stopping))
        await asyncio.wait({ready, done}, return_when=asyncio.FIRST_COMPLETED)
        if done.done():
            done.result()
        return ServiceHandle(instance, stopping.set, done)

    async def _serve(
        self,
        server: _Server,
        listening: socket.socket,
        instance: Instance,
        ready: "asyncio.Future[None]",
        stopping: asyncio.Event,
    ) -> None:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        watching = asyncio.create_task(self._watch(instance))
        stopped = asyncio.create_task(stopping.wait())
        try:
            async with registered(self._registries, instance, self._load):
                ready.set_result(None)
                await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            watching.cancel()
            server.should_exit = True
            await serving

    def _load(self) -> float:
        return self._server.load

    async def _watch(self, instance: Instance) -> None:
        while True:
            metrics.SERVICE_LOAD.labels(instance.service).set(self._load())
            self._beat()
            await asyncio.sleep(LOAD_EVERY_S)
