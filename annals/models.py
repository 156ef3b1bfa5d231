"""The models of this installation: opened from the settings, and reported to the log."""

import asyncio
from collections.abc import Callable

from aggregates import model as models
from aggregates.cause import Cause
from aggregates.model import Model
from annals.composition import Services, open_read_models
from annals.settings import Settings
from contracts.envelope import DomainEvent, EventMetadata
from contracts.system import Task
from eventstore.commands import Command
from eventstore.keys import AggregateKey
from inference.embedder import embedder_revision, explain
from inference.model import OtherModelError, OutputStore
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


async def check_serving(services: Services) -> None:
    """Before documents are embedded, see that those embedded already are of the same embedder.

    Raises OtherModelError where another one served before and passages with its vectors are there, InferenceError,
    StoreUnavailableError.
    """
    settings = services.settings
    key = AggregateKey(settings.tenant, "model", "embedding")
    served = (await services.commands.load_many([key], Model.project)).get(key)
    if served is None:
        return
    revision = await asyncio.to_thread(embedder_revision, settings.embedder, settings.embedder_revision)
    # Only where another one served is the vector read model asked, which a worker need not reach otherwise.
    if served.revision != revision:
        await open_read_models(services)
        stored = await services.passages.models()
        if stored.keys() - {revision}:
            raise OtherModelError(explain(revision, stored))


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
