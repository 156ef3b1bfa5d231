"""The service layer of an installation, opened: what command line and gateway call, grouped as the services are."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from annals.composition.audited import audited_operations, audited_searching, audited_storage
from annals.composition.corrections import corrections_of, model_cache_of
from annals.composition.embedders import change_embedder
from annals.composition.inference import open_inference
from annals.composition.knowledge import knowledge_of
from annals.composition.models import (
    ask_service,
    open_generator,
    search_passages,
    serving_models,
)
from annals.composition.operations import operations_of
from annals.composition.past import GenerationReads, past_generations, past_of
from annals.composition.question_session import audited_asking
from annals.composition.readings import change_reading, following_models
from annals.composition.security import open_security
from annals.composition.service_layer import (
    Registries,
    ServiceLayer,
    registries_of,
    remote_service_layer,
    service_layer,
)
from annals.composition.storage import storage_of
from annals.composition.stores import Stores, check_broker, open_read_models, open_stores
from annals.composition.webhooks import WebhookParts, open_webhooks
from annals.service_tls import tls_of
from annals.settings import Settings
from eventstore.idempotency import IdempotencyKeys
from inference.model import NothingKept
from inference.runner import Inference
from services.caller import Caller
from services.corrections.use_cases import Corrections
from services.deadline import Deadline
from services.knowledge.use_cases import Knowledge
from services.mesh.errors import ServiceUnavailableError
from services.mesh.operations import SERVICES
from services.operations.changing_embedder import ChangeEmbedder
from services.operations.changing_reading import ChangeReading
from services.operations.previewing import PreviewModels
from services.operations.use_cases import Operations
from services.past.reads import PastReads
from services.past.use_cases import Past
from services.processing.chunking import Follow
from services.processing.model_cache import ModelCache
from services.processing.serving import MODELS_LIMIT_S, ServingModels
from services.rate_limits import RequestLimits
from services.reasoning.ask import AskService
from services.reasoning.service import ReasoningService
from services.search.search import SearchPassages
from services.security.recording import Recorded, recording
from services.security.use_cases import Security
from services.storage.use_cases import Storage

_NAMED = Recorded("change", "administer", "models", lambda given, _: [given["name"].name])


@dataclass(frozen=True)
class UseCases:
    """What can be asked of Annals. Models are loaded when they are needed first, or by `load`.

    `services` are the specification's three, which may as well be behind an address.
    """

    storage: Storage
    knowledge: Knowledge
    ask: AskService
    search: SearchPassages
    past: Past
    corrections: Corrections
    models: ServingModels
    model_cache: ModelCache
    embedder: ChangeEmbedder
    reading: ChangeReading
    preview: PreviewModels
    operations: Operations
    security: Security
    webhooks: WebhookParts
    services: ServiceLayer
    inference: Inference
    follow: Follow
    limits: RequestLimits
    idempotency: IdempotencyKeys
    registries: Registries
    runs_models: bool

    async def load(self) -> None:
        """Load all models now, so that the first request does not wait for them. Raises InferenceError.

        Nothing is loaded where the services are in processes of their own.
        """
        if not self.runs_models:
            return
        await self.follow()
        await self.ask.load()
        await self.inference.warm_up()

    async def check_services(self) -> None:
        """See that each service is held here, or has an instance. Raises ServiceUnavailableError that names one."""
        if self.runs_models:
            return
        for name in SERVICES:
            if not await self.registries.found.instances(name):
                raise ServiceUnavailableError(f"the service {name} has no instance; see its log, and `annals status`")


@contextlib.asynccontextmanager
async def open_use_cases(
    settings: Settings, dsn: str, *, broker: str | None = None, read_models: bool = True
) -> AsyncIterator[UseCases]:
    """Everything that an edge needs, for as long as it runs; at the end answers are stored, or given up.

    `broker`: Kafka's address, for the status. `read_models`: have them, in today's schema; a replay makes them itself,
    and the log alone needs none.

    Raises StoreUnavailableError, AnnalsError (ForeignServerError among them), OldSchemaError.
    """
    async with open_stores(settings, dsn) as stores:
        if read_models:
            await open_read_models(stores)
        async with use_cases_over(stores, broker=broker) as use_cases:
            yield use_cases


@contextlib.asynccontextmanager
async def prepared(settings: Settings, dsn: str, broker: str, caller: Caller) -> AsyncIterator[UseCases]:
    """See that everything of a pipeline that was just started is there, is this log's, and fits the settings.

    Raises ForeignBrokerError, ForeignServerError, OtherModelError, StoreUnavailableError, AnnalsError.
    """
    async with open_stores(settings, dsn) as stores:
        await check_broker(stores, broker)
        await open_read_models(stores)
        await serving_models(stores).check(caller, deadline=Deadline.after(MODELS_LIMIT_S))
        async with use_cases_over(stores, broker=broker) as use_cases:
            yield use_cases


@contextlib.asynccontextmanager
async def use_cases_over(stores: Stores, *, broker: str | None = None) -> AsyncIterator[UseCases]:
    """The use cases over stores that are open."""
    async with contextlib.AsyncExitStack() as stack:
        inference = open_inference(stores.settings, NothingKept())
        keeping = open_inference(stores.settings, stores.outputs)
        stack.callback(inference.close)
        aside = open_inference(stores.settings, stores.outputs, aside=True)
        stack.callback(keeping.close)
        stack.callback(aside.close)
        generator = await stack.enter_async_context(open_generator(stores.settings))
        ask = ask_service(stores, inference, generator)
        stack.push_async_callback(ask.close)
        registries = registries_of(stores)
        held = stores.settings.services == "in_process"
        security = await stack.enter_async_context(open_security(stores))
        remote = (
            None if held else await stack.enter_async_context(remote_service_layer(registries, tls_of(stores.settings)))
        )
        embedding = ReasoningService(ask) if remote is None else remote.reasoning
        made = GenerationReads(stores, ask, inference, generator, embedding, security.audit)
        reads = PastReads(past_generations(stores), made.open)
        services = service_layer(stores, inference, ask, reads, made.live().ask) if remote is None else remote
        past = past_of(stores, reads, services.reasoning, security.audit)
        operations = audited_operations(operations_of(stores, broker), security.audit)
        embedder = change_embedder(stores, operations.rebuilding, aside)
        reading = change_reading(stores, operations.rebuilding, aside)
        preview = PreviewModels(embedder, reading, past.generations, past.compare_answers)
        yield UseCases(
            storage=audited_storage(storage_of(stores, security.audit), security.audit),
            knowledge=knowledge_of(stores, security.audit),
            ask=audited_asking(ask, security.audit),
            search=audited_searching(search_passages(stores, services.reasoning), security.audit),
            past=past,
            corrections=corrections_of(stores, keeping, security.audit),
            models=serving_models(stores),
            model_cache=model_cache_of(stores, security.audit),
            embedder=recording(embedder, security.audit, change=_NAMED),
            reading=recording(reading, security.audit, change=_NAMED),
            preview=recording(preview, security.audit, preview=_NAMED),
            operations=operations,
            security=security,
            webhooks=await stack.enter_async_context(open_webhooks(stores, operations, security)),
            services=services,
            inference=inference,
            follow=following_models(inference, stores),
            limits=stores.read.limits,
            idempotency=IdempotencyKeys(stores.pool, stores.keys.ids),
            registries=registries,
            runs_models=held,
        )
