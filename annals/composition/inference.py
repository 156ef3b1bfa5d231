"""The models that the settings name, opened; nothing is loaded before it is needed."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from annals.settings import Settings
from eventstore.embedders import EmbedderNames
from eventstore.errors import StoreUnavailableError
from eventstore.outputs import ModelOutputs
from inference.embedder import embedder_revision, explain
from inference.embedders import EmbedderName
from inference.model import InferenceError, OtherModelError, OutputStore
from inference.runner import Inference, InferenceSettings
from projections.vector.model import ChunksToEmbed
from services.processing.embedder_input import EmbedderInputs
from services.processing.present_embedder import KnownEmbedders


def open_inference(settings: Settings, store: OutputStore, *, aside: bool = False) -> Inference:
    """To be closed by its user. `aside`: it gives way to everything else."""
    return Inference(
        InferenceSettings(
            embedder=settings.embedder,
            embedder_revision=settings.embedder_revision,
            entity_model=settings.entity_model,
            entity_revision=settings.entity_revision,
            chunk_strategy=settings.chunk_strategy,
            chunk_tokens=settings.chunk_tokens,
            chunk_overlap=settings.chunk_overlap,
            torch_threads=settings.torch_threads,
            model_dtype=settings.model_dtype,
            reader=settings.reader,
            reader_revision=settings.reader_revision,
            reranker=settings.reranker,
            reranker_revision=settings.reranker_revision,
        ),
        store,
        aside=aside,
    )


def known_embedders(settings: Settings, names: EmbedderNames) -> KnownEmbedders:
    """The settings' own, and those that served."""
    return KnownEmbedders(
        names,
        EmbedderName(settings.embedder, settings.embedder_revision),
        partial(embedder_revision, settings.embedder, settings.embedder_revision, settings.model_dtype),
    )


class MadeVectors:
    """What an embedder that serves never read before it reads now, and that is kept. Nothing is loaded where all was.

    Implements `projections.vector.model.MakeVectors`.
    """

    def __init__(self, settings: Settings, outputs: ModelOutputs, known: KnownEmbedders) -> None:
        self._settings = settings
        self._outputs = outputs
        self._known = known
        self._inference: Inference | None = None

    async def __call__(self, revision: str, missing: Sequence[ChunksToEmbed]) -> Mapping[str, bytes]:
        """Raises StoreUnavailableError, also where the model cannot be had or run now: no event is at fault then."""
        try:
            name = await self._known.named(revision)
            if self._inference is None:
                self._inference = open_inference(self._settings, self._outputs, aside=True)
            embedder = await self._inference.load(name)
            if embedder.revision != revision:
                raise OtherModelError(explain(embedder.revision, {revision: 1}))
            read = await asyncio.to_thread(_read_of, missing)
            made = await embedder.outputs(list(read.values()))
        except InferenceError as error:
            raise StoreUnavailableError(f"vectors of {revision} cannot be made here: {error}") from error
        return dict(zip(read, made, strict=True))

    def close(self) -> None:
        """Give back what was loaded."""
        if self._inference is not None:
            self._inference.close()


def _read_of(missing: Sequence[ChunksToEmbed]) -> dict[str, str]:
    """What the embedder reads, by its digest."""
    inputs = [(EmbedderInputs(one.title, one.text, one.attributes), one.chunks) for one in missing]
    return {chunk.input_digest: own.of_chunk(chunk) for own, chunks in inputs for chunk in chunks}
