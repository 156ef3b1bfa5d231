"""The models of this installation: opened from the settings, and reported to the log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

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
from inference.embedding import Vectors
from inference.model import OtherModelError, OutputStore
from inference.runner import Inference, InferenceSettings
from reasoning.engine import Reasoner
from services.reasoning.ask import AskService
from services.reasoning.recorder import AnswerRecorder


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


class QuestionEmbedder:
    """The embedder of this installation, for questions."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    @property
    def revision(self) -> str:
        """The model and what is done to its output."""
        return self._inference.embedder.revision

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension), each row of length 1."""
        return await self._inference.embed_queries(texts)


@contextlib.asynccontextmanager
async def open_ask_service(services: Services) -> AsyncIterator[AskService]:
    """An ask service with models of its own, which are released at the end. Raises InferenceError."""
    inference = open_inference(services.settings, services.outputs)
    try:
        async with ask_service(services, inference) as service:
            yield service
    finally:
        inference.close()


@contextlib.asynccontextmanager
async def ask_service(services: Services, inference: Inference) -> AsyncIterator[AskService]:
    """Ready for questions: the embedder is loaded. At the end all answers are stored or given up.

    Raises InferenceError.
    """
    embedder = QuestionEmbedder(inference)
    # Outside the event loop, so that the first question does not wait for it.
    await asyncio.to_thread(lambda: embedder.revision)
    service = AskService(
        Reasoner(services.graph, services.passages, embedder),
        AnswerRecorder(services.commands),
        services.reader,
        services.passages,
        services.answers,
        services.limits,
        per_minute=services.settings.questions_per_minute,
    )
    try:
        yield service
    finally:
        await service.close()


def _loaded(task: Task, revision: str, metadata: EventMetadata) -> Callable[[Model | None], tuple[DomainEvent, ...]]:
    cause = Cause(metadata, correlation_id=f"models-{task}")
    return lambda state: models.load(state, task, revision, cause)


async def check_serving(services: Services) -> None:
    """Before documents are embedded, see that those embedded already are of the same embedder.

    Raises OtherModelError where another one served before and passages with its vectors are there, InferenceError,
    StoreUnavailableError.
    """
    settings = services.settings
    served = Model.project(await services.reader.of_aggregate(settings.tenant, "model", "embedding"))
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
