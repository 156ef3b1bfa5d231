"""Real servers and clients on loopback, over services that tests can make hang or fail."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from contracts.errors import AnnalsError
from eventstore.pool import PostgresPool
from security.access import FULL_ACCESS, Access
from security.service_tokens import ServiceIdentity
from services.caller import Caller
from services.deadline import Deadline
from services.mesh.caller_claims import AccessInputs
from services.mesh.discovery import ServiceDiscovery
from services.mesh.lease import registered
from services.mesh.registry import Instance, PostgresServiceRegistry
from services.mesh.rpc_client import RpcClient
from services.mesh.service_host import ServiceHandle, ServiceHost
from services.mesh.tls import MutualTls
from services.reasoning.interface import ReasoningMetadata, ReasoningQueryRequest, ReasoningQueryResponse

CALLER = Caller("ours", "ada", "http", FULL_ACCESS, correlation_id="request-1")
METADATA = ReasoningMetadata("q", "h", False, True, "k", {"reasoning": 1.5})


@dataclass
class Reasoning:
    """Answers with its name; hangs while `hangs`, and raises `error`. Remembers who asked and what was called off."""

    name: str = "one"
    hangs: bool = False
    error: Exception | None = None
    callers: list[Caller] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)
    cancelled: int = 0

    async def query(self, caller: Caller, request: ReasoningQueryRequest, deadline: Deadline) -> ReasoningQueryResponse:
        self.callers.append(caller)
        self.deadlines.append(deadline.remaining_s)
        try:
            while self.hangs:  # noqa: ASYNC110  # tests set it
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return ReasoningQueryResponse(self.name, 0.9, ("question -> \u00e9",), (), METADATA)


class Mesh:
    """Some services, and one client that is registered as `gateway`."""

    def __init__(self, registry: PostgresServiceRegistry, tls: MutualTls | None = None) -> None:
        self.registry, self.tls = registry, tls
        self.identity = ServiceIdentity("gateway")
        self.client = RpcClient(self.identity, ServiceDiscovery(registry), open_s=1.0, ejected_s=1.0, tls=tls)

    async def serve(self, service: object, name: str = "reasoning", bound: str = "127.0.0.1") -> ServiceHandle:
        host = ServiceHost(
            ServiceIdentity(name),
            service,
            self.registry,
            [self.registry],
            refuse_everybody,
            version="1",
            host=bound,
            tls=self.tls,
        )
        return await host.start_service()


async def refuse_everybody(inputs: AccessInputs) -> Access:
    raise AnnalsError(f"no policy for {inputs.principal.id}; write one")


@contextlib.asynccontextmanager
async def open_mesh(pool: PostgresPool, tls: MutualTls | None = None) -> AsyncIterator[Mesh]:
    registry = PostgresServiceRegistry(pool)
    await registry.open()
    mesh = Mesh(registry, tls)
    own = Instance("gateway", mesh.identity.peer.instance, "1", "", mesh.identity.public_key)
    async with registered([registry], own):
        yield mesh
    await mesh.client.close()
