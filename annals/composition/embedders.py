"""Embedders for questions: whichever serves, here and in every other process at once."""

import asyncio
import logging
from collections.abc import Sequence

from annals.composition.stores import Stores
from eventstore.generations import RegisteredGeneration
from inference.embedders import EmbedderName
from inference.embedding import Vectors
from inference.model import InferenceError, OtherModelError
from inference.runner import Inference
from reasoning.embedder import Serving
from services.caller import Caller
from services.deadline import Deadline
from services.operations.changing_embedder import ChangeEmbedder
from services.operations.rebuilding import Rebuilding
from services.processing.chunking import Follow
from services.processing.present_embedder import ServingEmbedders, WhichEmbedder
from services.reasoning.ask import require_embedding
from services.reasoning.interface import EmbeddingRequest, EmbeddingResponse

log = logging.getLogger(__name__)


class QuestionEmbedder:
    """An embedder for questions, by default the settings'."""

    def __init__(self, inference: Inference, name: EmbedderName | None = None) -> None:
        self._inference = inference
        self._name = name or inference.serving

    @property
    def revision(self) -> str:
        """The model and what is done to its output."""
        return self._inference.embedder_of(self._name).revision

    async def load(self) -> None:
        """Outside the event loop, which others use meanwhile. Raises InferenceError."""
        await self._inference.load(self._name)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension), each row of length 1."""
        return await self._inference.embed_queries(texts, self._name)


class LiveEmbedders:
    """Implements `reasoning.embedder.Embedders` for the live read models."""

    def __init__(self, inference: Inference, which: WhichEmbedder) -> None:
        self._inference = inference
        self._which = which
        self._loading: asyncio.Task[None] | None = None

    async def present(self) -> Serving:
        """The one that serves. Raises OtherModelError where it is not known here."""
        present = await self._which.present()
        return Serving(QuestionEmbedder(self._inference, present.name), present.generation)

    async def prepare(self) -> None:
        """Load the one whose vectors are being made: when they take their place, nobody waits for it."""
        if self._loading is not None and not self._loading.done():
            return
        try:
            coming = await self._which.coming()
        except OtherModelError as error:
            log.warning("the embedder that is about to take over: %s", error)
            return
        if coming is not None and not self._inference.holds(coming):
            self._loading = asyncio.create_task(self._load(coming))

    async def _load(self, coming: EmbedderName) -> None:
        try:
            await self._inference.load(coming)
        except InferenceError as error:
            log.warning("the embedder that is about to take over: %s", error)


class PastEmbedder:
    """Implements `reasoning.embedder.Embedders` for one generation of the past: that of its vectors, for good."""

    def __init__(self, inference: Inference, which: WhichEmbedder, registered: RegisteredGeneration) -> None:
        self._inference = inference
        self._which = which
        self._registered = registered

    async def present(self) -> Serving:
        """Raises OtherModelError where it is not known here."""
        revision = self._registered.model_revision
        name = None if revision is None else await self._which.known.named(revision)
        return Serving(QuestionEmbedder(self._inference, name), self._registered.id)

    async def prepare(self) -> None:
        """None is about to take over."""

    async def embed(self, caller: Caller, request: EmbeddingRequest, deadline: Deadline) -> EmbeddingResponse:
        """As `services.search.search.Embedding`."""
        require_embedding(caller)
        async with deadline.enforce("embedding the query"):
            embedder = (await self.present()).embedder
            await embedder.load()
            (vector,) = await embedder.embed([request.query])
            return EmbeddingResponse(embedder.revision, tuple(map(float, vector)))


def following(inference: Inference, which: WhichEmbedder) -> Follow:
    """Has `inference` embed, and cut, with the embedder that serves now."""

    async def follow() -> None:
        await inference.serve((await which.registered()).name)

    return follow


def which_embedder(stores: Stores) -> WhichEmbedder:
    """The one that serves, wherever the process is that asks."""
    return WhichEmbedder(stores.generations, stores.embedders)


def serving_embedders(stores: Stores) -> ServingEmbedders:
    """What the log says of them."""
    return ServingEmbedders(stores.commands, stores.reader, stores.settings.tenant)


def change_embedder(stores: Stores, rebuilding: Rebuilding, inference: Inference) -> ChangeEmbedder:
    """`inference` keeps what it makes."""
    return ChangeEmbedder(
        rebuilding, which_embedder(stores), serving_embedders(stores), stores.read.passages, inference
    )
