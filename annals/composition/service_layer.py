"""The three services of the specification (1.2): in this process, or in processes of their own."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from annals.composition.readings import following_models
from annals.composition.storage import intake_of
from annals.composition.stores import Stores
from inference.runner import Inference
from services.deadline import Deadline
from services.mesh.registry import Instance, PostgresServiceRegistry, ServiceRegistry
from services.mesh.tls import MutualTls
from services.past.generations import LIVE
from services.past.reads import PastReads
from services.processing.interface import AiProcessing
from services.processing.service import AiProcessingService
from services.reasoning.ask import AskService
from services.reasoning.interface import Reasoning
from services.reasoning.service import ReasoningService
from services.storage.interface import Storage
from services.storage.service import StorageService

CALLING = "gateway"
"""The name by which a process that only calls services is known to them."""


@dataclass(frozen=True)
class ServiceLayer:
    """What an edge calls; whether a service is in its process or behind an address is not its business."""

    processing: AiProcessing
    storage: Storage
    reasoning: Reasoning


@dataclass(frozen=True)
class Registries:
    """`keys` is where public keys are published, `found` where instances are looked for; they may be one."""

    keys: PostgresServiceRegistry
    found: ServiceRegistry

    @property
    def all(self) -> list[ServiceRegistry]:
        """Each once: where an instance registers itself."""
        return [self.keys] if self.found is self.keys else [self.keys, self.found]


def storage_service(stores: Stores) -> StorageService:
    """Needs no model."""
    models = [(one.model, one.store) for one in stores.projections.values()]
    return StorageService(intake_of(stores), stores.reader, models, stores.topics)


def service_layer(
    stores: Stores, inference: Inference, asking: AskService, past: PastReads, live: AskService
) -> ServiceLayer:
    """All three over one set of models, which are loaded when they are needed first. `live` records nothing."""

    async def asking_past(at: str, deadline: Deadline) -> AskService:
        return live if at == LIVE else (await past.of(at, deadline=deadline)).ask

    return ServiceLayer(
        AiProcessingService(inference, following_models(inference, stores)),
        storage_service(stores),
        ReasoningService(asking, asking_past),
    )


def registries_of(stores: Stores) -> Registries:
    """For this profile; `open` them before use."""
    keys, servers = PostgresServiceRegistry(stores.pool), stores.connections.servers
    if servers is None:
        return Registries(keys, keys)
    # A driver that the embedded profile need not load.
    from services.mesh.registry_redis import RedisServiceRegistry

    return Registries(keys, RedisServiceRegistry(servers.redis))


@contextlib.asynccontextmanager
async def remote_service_layer(registries: Registries, tls: MutualTls | None) -> AsyncIterator[ServiceLayer]:
    """All three over RPC, as a process that is known by its own key. Raises StoreUnavailableError."""
    # HTTP's client, a circuit breaker, tokens: of no use to who holds the services himself, as most commands do.
    from security.service_tokens import ServiceIdentity
    from services.mesh.discovery import ServiceDiscovery
    from services.mesh.lease import registered
    from services.mesh.remote import RemoteAiProcessing, RemoteReasoning, RemoteStorage
    from services.mesh.rpc_client import RpcClient

    for registry in registries.all:
        await registry.open()
    identity = ServiceIdentity(CALLING)
    own = Instance(CALLING, identity.peer.instance, "", "", identity.public_key)
    client = RpcClient(identity, ServiceDiscovery(registries.found), tls=tls)
    try:
        async with registered([registries.keys], own):
            yield ServiceLayer(RemoteAiProcessing(client), RemoteStorage(client), RemoteReasoning(client))
    finally:
        await client.close()
