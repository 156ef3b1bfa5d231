"""The three services of the specification (1.2), in this process."""

from dataclasses import dataclass

from annals.composition.storage import intake_of
from annals.composition.stores import Stores
from inference.runner import Inference
from services.processing.interface import AiProcessing
from services.processing.service import AiProcessingService
from services.reasoning.ask import AskService
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


def storage_service(stores: Stores) -> StorageService:
    """Needs no model."""
    models = [(one.model, one.store) for one in stores.projections.values()]
    return StorageService(intake_of(stores), stores.reader, models, stores.topics)


def service_layer(stores: Stores, inference: Inference, asking: AskService) -> ServiceLayer:
    """All three over one set of models, which are loaded when they are needed first."""
    return ServiceLayer(AiProcessingService(inference), storage_service(stores), ReasoningService(asking))
