"""The models of this installation, as the settings name them; nothing is loaded before it is needed."""

import asyncio
from collections.abc import Sequence
from functools import partial

from annals.composition.stores import Stores, open_read_models
from annals.settings import Settings
from inference.embedder import embedder_revision
from inference.embedding import Vectors
from inference.model import OutputStore
from inference.runner import Inference, InferenceSettings
from reasoning.engine import Reasoner
from services.processing.embedding_anew import EmbedAnew
from services.processing.serving import ServingModels
from services.reasoning.ask import AskService
from services.reasoning.recorder import AnswerRecorder
from services.search.search import Embedding, SearchPassages


def open_inference(settings: Settings, store: OutputStore) -> Inference:
    """To be closed by its user."""
    return Inference(
        InferenceSettings(
            embedder=settings.embedder,
            embedder_revision=settings.embedder_revision,
            entity_model=settings.entity_model,
            entity_revision=settings.entity_revision,
            chunk_tokens=settings.chunk_tokens,
            chunk_overlap=settings.chunk_overlap,
            torch_threads=settings.torch_threads,
            model_dtype=settings.model_dtype,
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

    async def load(self) -> None:
        """Outside the event loop, which others use meanwhile. Raises InferenceError."""
        await asyncio.to_thread(lambda: self.revision)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension), each row of length 1."""
        return await self._inference.embed_queries(texts)


def serving_models(stores: Stores) -> ServingModels:
    """Of the models that the settings name."""
    chosen = stores.settings
    return ServingModels(
        stores.commands,
        stores.reader,
        stores.read.passages,
        partial(embedder_revision, chosen.embedder, chosen.embedder_revision, chosen.model_dtype),
        partial(open_read_models, stores),
    )


def embed_anew(stores: Stores, inference: Inference) -> EmbedAnew:
    """`inference` keeps what it makes."""
    return EmbedAnew(stores.commands, stores.reader, stores.texts, inference)


def ask_service(stores: Stores, inference: Inference) -> AskService:
    """The embedder is loaded with the first question, or by `load`."""
    return AskService(
        Reasoner(stores.read.graph, stores.read.passages, QuestionEmbedder(inference)),
        AnswerRecorder(stores.commands),
        stores.reader,
        stores.read.passages,
        stores.read.answers,
        stores.read.limits,
        per_minute=stores.settings.questions_per_minute,
    )


def search_passages(stores: Stores, embedding: Embedding) -> SearchPassages:
    """`embedding`: the reasoning service, here or in a process of its own."""
    return SearchPassages(stores.read.passages, stores.read.graph, stores.read.relational, embedding)
