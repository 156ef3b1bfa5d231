"""The use cases that handlers call, handed over by the composition root."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.chain.idempotency import Keys
from gateway.jobs import Jobs
from gateway.streams import LiveStreams
from services.corrections.use_cases import Corrections
from services.deadline import Deadline
from services.knowledge.use_cases import Knowledge
from services.operations.changing_embedder import ChangeEmbedder
from services.operations.changing_reading import ChangeReading
from services.operations.previewing import PreviewModels
from services.operations.use_cases import Operations
from services.past.use_cases import Past
from services.positions import ShownPositions
from services.processing.interface import AiProcessing
from services.processing.model_cache import ModelCache
from services.processing.serving import ServingModels
from services.rate_limits import RequestLimits
from services.reasoning.interface import Reasoning
from services.search.search import SearchPassages
from services.security.use_cases import Security
from services.storage.file_taking import TakeFiles
from services.storage.interface import Storage as StorageService
from services.storage.use_cases import Storage
from services.webhooks.service import WebhookService

Check = Callable[[], Awaitable[None]]
"""Returns where a part is ready to serve, and raises where it is not."""


class ModelServices(Protocol):
    """Those that run models."""

    @property
    def processing(self) -> AiProcessing:
        """Of texts that a caller sends."""
        ...

    @property
    def reasoning(self) -> Reasoning:
        """Of questions."""
        ...


@dataclass(frozen=True, slots=True)
class GatewayServices:
    """`storage` is the specification's service; `models` waits until the models are loaded.

    `checks`: what `/health/ready` asks, by the part's name.
    """

    limits: RequestLimits
    idempotency: Keys
    storage: StorageService
    documents: Storage
    knowledge: Knowledge
    corrections: Corrections
    model_cache: ModelCache
    embedder: ChangeEmbedder
    reading: ChangeReading
    preview: PreviewModels
    files: TakeFiles
    search: SearchPassages
    past: Past
    operations: Operations
    serving: ServingModels
    security: Security
    webhooks: WebhookService
    jobs: Jobs
    streams: LiveStreams
    positions: ShownPositions
    models: Callable[[Deadline], Awaitable[ModelServices]]
    checks: Mapping[str, Check]
