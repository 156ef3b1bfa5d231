"""The models of this installation: opened from the settings, and reported to the log."""

from collections.abc import Callable

from aggregates import model as models
from aggregates.cause import Cause
from aggregates.model import Model
from annals.composition import Services
from annals.settings import Settings
from contracts.envelope import DomainEvent, EventMetadata
from contracts.system import Task
from eventstore.commands import Command
from eventstore.keys import AggregateKey
from inference.model import OutputStore
from inference.runner import Inference, InferenceSettings


def open_inference(settings: Settings, store: OutputStore) -> Inference:
    """Nothing is loaded before it is needed."""
    return Inference(
        InferenceSettings(
            embedder=settings.embedder,
            embedder_revision=settings.embedder_revision,
            entity_model=settings.entity_model,
            entity_revision=settings.entity_revision,
            chunk_tokens=settings.chunk_tokens,
            chunk_overlap=settings.chunk_overlap,
            torch_threads=settings.torch_threads,
        ),
        store,
    )


def _loaded(task: Task, revision: str, metadata: EventMetadata) -> Callable[[Model | None], tuple[DomainEvent, ...]]:
    cause = Cause(metadata, correlation_id=f"models-{task}")
    return lambda state: models.load(state, task, revision, cause)


async def report_models(services: Services, inference: Inference) -> None:
    """Say which revisions serve now: an event where that is news."""
    serving: dict[Task, str] = {
        "embedding": inference.embedder.revision,
        "entities": inference.entities.revision,
        "relations": inference.relations.revision,
    }
    metadata = EventMetadata(tenant=services.settings.tenant, actor="annals", source="worker")
    await services.commands.execute_many(
        [
            Command(AggregateKey(metadata.tenant, "model", task), Model.project, _loaded(task, revision, metadata))
            for task, revision in serving.items()
        ]
    )
