"""The models of this installation, as the settings name them; nothing is loaded before it is needed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial

from annals.composition.embedders import LiveEmbedders, which_embedder
from annals.composition.stores import Stores, open_read_models
from annals.settings import Settings
from inference.question_answering import ReadSpan
from inference.runner import Inference
from reasoning.answer_models import AnswerModels, TextGenerator
from reasoning.engine import Reasoner
from reasoning.judged_graph import JudgedGraph
from reasoning.typed_graph import typed
from services.citations import Citations
from services.processing.serving import ServingModels
from services.reasoning.answer_documents import AnswerDocuments
from services.reasoning.ask import AskService
from services.reasoning.recorder import AnswerRecorder
from services.search.search import Embedding, SearchPassages


class PassageReader:
    """The extractive question-answering model of this installation."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    @property
    def revision(self) -> str:
        """The model, and how it is read."""
        reader = self._inference.reader
        return "" if reader is None else reader.revision

    async def load(self) -> None:
        """Outside the event loop. Raises InferenceError."""
        await asyncio.to_thread(lambda: self.revision)

    async def read(self, question: str, texts: Sequence[str]) -> list[list[ReadSpan]]:
        """Of each text the spans that may answer."""
        return await self._inference.read_spans(question, texts)


class PassageReranker:
    """The cross-encoder of this installation."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    @property
    def revision(self) -> str:
        """The model, and how it is read."""
        reranker = self._inference.reranker
        return "" if reranker is None else reranker.revision

    async def load(self) -> None:
        """Outside the event loop. Raises InferenceError."""
        await asyncio.to_thread(lambda: self.revision)

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text fits."""
        return await self._inference.relevance(question, texts)


@contextlib.asynccontextmanager
async def open_generator(settings: Settings) -> AsyncIterator[TextGenerator | None]:
    """The generative model at the address that the settings name; None where they name none."""
    if settings.generator_url is None or settings.generator_model is None:
        yield None
        return
    # An HTTP client that the others need not load.
    from inference.external.chat import ChatModel
    from inference.external.client import ExternalSystemClient
    from inference.external.settings import ClientSettings

    client = ClientSettings(
        system="generator",
        base_url=settings.generator_url.rstrip("/") + "/",
        cache_folder=settings.data / "run" / "generator",
        token_name="ANNALS_GENERATOR_KEY",
        tries=2,
        most_wait_s=5.0,
        most_asked_wait_s=5.0,
        rate_wait_s=5.0,
        breaker_failures=4,
    )
    key = None if settings.generator_key is None else settings.generator_key.get_secret_value()
    async with ExternalSystemClient(client, key) as opened:
        yield ChatModel(opened, settings.generator_model)


def serving_models(stores: Stores) -> ServingModels:
    """Of the models that the settings name."""
    chosen = stores.settings
    return ServingModels(
        stores.commands,
        stores.reader,
        stores.read.passages,
        which_embedder(stores),
        partial(open_read_models, stores),
        _answering(chosen),
    )


def _answering(settings: Settings) -> list[str]:
    named = [
        ("reranker", settings.reranker, settings.reranker_revision),
        ("reader", settings.reader, settings.reader_revision),
    ]
    local = [f"{task}: {name}{f'@{revision}' if revision else ''}" for task, name, revision in named if name]
    if settings.generator_url is None:
        return local
    return [*local, f"generator: {settings.generator_model} at {settings.generator_url}"]


def answer_models(settings: Settings, inference: Inference, generator: TextGenerator | None) -> AnswerModels:
    """What takes the last step of an answer."""
    return AnswerModels(
        reranker=None if settings.reranker is None else PassageReranker(inference),
        reader=None if settings.reader is None else PassageReader(inference),
        generator=generator,
    )


def ask_service(stores: Stores, inference: Inference, generator: TextGenerator | None) -> AskService:
    """Models of this machine are loaded with the first question, or by `load`."""
    models = answer_models(stores.settings, inference, generator)
    return AskService(
        Reasoner(
            JudgedGraph(typed(stores.read.graph, stores.read.relational, stores.ontology), stores.read.relational),
            stores.read.passages,
            LiveEmbedders(inference, which_embedder(stores)),
            models,
        ),
        AnswerRecorder(stores.commands),
        stores.reader,
        stores.read.passages,
        stores.read.answers,
        stores.read.limits,
        AnswerDocuments(stores.read.relational, Citations(stores.texts)),
        per_minute=stores.settings.questions_per_minute,
    )


def search_passages(stores: Stores, embedding: Embedding) -> SearchPassages:
    """`embedding`: the reasoning service, here or in a process of its own."""
    read = stores.read
    return SearchPassages(read.passages, read.graph, read.relational, embedding, Citations(stores.texts))
