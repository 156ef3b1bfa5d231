"""The three services of the specification (1.2), opened in this process."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from annals.composition import Services
from annals.models import ask_service, open_inference
from services.processing.interface import AiProcessing
from services.processing.service import AiProcessingService, NothingKept
from services.reasoning.interface import Reasoning
from services.reasoning.service import ReasoningService
from services.storage.interface import Storage
from services.storage.service import StorageService


@dataclass(frozen=True)
class ServiceLayer:
    """What an edge calls; whether a service is in its process or behind an address is not its business."""

    processing: AiProcessing
    storage: Storage
    reasoning: Reasoning


def storage_service(services: Services) -> StorageService:
    """Needs no model."""
    models = [(one.model, one.store) for one in services.projections.values()]
    return StorageService(services.intake, services.reader, models, services.topics)


@contextlib.asynccontextmanager
async def open_service_layer(services: Services) -> AsyncIterator[ServiceLayer]:
    """All three over one set of models, loaded; released at the end. Raises InferenceError."""
    inference = open_inference(services.settings, NothingKept())
    try:
        async with ask_service(services, inference) as asking:
            await inference.warm_up()
            yield ServiceLayer(AiProcessingService(inference), storage_service(services), ReasoningService(asking))
    finally:
        inference.close()
