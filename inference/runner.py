"""Where models run: outside the event loop, each kind on a core of its own, loaded when first needed."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

from inference.cached import CachedModel, Run
from inference.calls import CALL_LIMIT_S, call
from inference.chunking import Chunker
from inference.chunking_strategies import SentenceModel, Strategy, chunker_of
from inference.embedders import EmbedderName, Embedders
from inference.embedding import Embedder, Vectors
from inference.extractors import ExtractorName, Extractors
from inference.locations import MINILM_INT8
from inference.model import OutputStore
from inference.pretrained import Dtype
from inference.question_answering import AnswerReader, ReadSpan
from inference.reranking import Reranker

T = TypeVar("T")
NICENESS = 15
"""Of a model that runs aside; 19 is the most, and 0 is everybody else's."""
TEXTS = 4
"""Passages that a reader or a reranker is given at once: then whoever else waits for the models has a turn."""


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """Which models, and how they cut. `entity_model` is a spaCy package, a folder or a hub id."""

    embedder: str = MINILM_INT8
    embedder_revision: str | None = None
    entity_model: str = "en_core_web_sm"
    entity_revision: str | None = None
    chunk_strategy: Strategy = "structure"
    chunk_tokens: int = 200
    chunk_overlap: int = 40
    torch_threads: int | None = None
    model_dtype: Dtype = "auto"
    reader: str | None = None
    reader_revision: str | None = None
    reranker: str | None = None
    reranker_revision: str | None = None


class Inference:
    """All models of a process. The embedder runs in a thread (it releases the interpreter lock), spaCy in a process."""

    def __init__(self, settings: InferenceSettings, store: OutputStore, *, aside: bool = False) -> None:
        """`aside`: the embedder gives way to whatever else wants the processor (Linux)."""
        self._settings = settings
        self._store = store
        self._aside = aside
        self._models = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix="models", initializer=_give_way if aside else None
        )
        self._embedders = Embedders(settings.torch_threads, settings.model_dtype)
        self._serving = EmbedderName(settings.embedder, settings.embedder_revision)
        self._cached: dict[EmbedderName, CachedModel] = {}
        self._chunker: tuple[Embedder, Chunker] | None = None
        self._extractors = Extractors(store, settings.model_dtype, self._on_models)
        named = ExtractorName(settings.entity_model, settings.entity_revision)
        self._reading = (named.parser if named.parses else named), named.parser

    @property
    def _embedder(self) -> Embedder:
        return self._embedders.get(self._serving)

    def holds(self, name: EmbedderName) -> bool:
        """Whether this one is loaded."""
        return self._embedders.holds(name)

    @property
    def serving(self) -> EmbedderName:
        """What the embedder is called."""
        return self._serving

    async def load(self, name: EmbedderName) -> CachedModel:
        """The embedder of this name, loaded. Raises InferenceError."""
        if not self._embedders.holds(name):
            # One that gives way is loaded where it will run, for the threads that it makes are like that one. Beside
            # others it is loaded elsewhere: who asks the one that serves does not wait for it.
            loading = self._models if self._aside else None
            await asyncio.get_running_loop().run_in_executor(loading, self._embedders.get, name)
        return self.embedder_of(name)

    async def serve(self, name: EmbedderName) -> None:
        """Embed with this one from now on, and cut by its tokens. Raises InferenceError."""
        await self.load(name)
        self._serving = name

    @property
    def chunker(self) -> Chunker:
        """Counts the embedder's own tokens. Never called in the event loop: by meaning it waits for the embedder."""
        chosen, embedder = self._settings, self._embedder
        if self._chunker is None or self._chunker[0] is not embedder:
            self._chunker = (
                embedder,
                chunker_of(
                    chosen.chunk_strategy,
                    embedder.token_offsets,
                    embedder.tokenizer_revision,
                    SentenceModel(embedder.revision, partial(self._embed_here, embedder)),
                    max_tokens=chosen.chunk_tokens,
                    overlap_tokens=chosen.chunk_overlap,
                ),
            )
        return self._chunker[1]

    def _embed_here(self, embedder: Embedder, texts: Sequence[str]) -> Vectors:
        return self._models.submit(embedder.embed, list(texts)).result(CALL_LIMIT_S)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._embedder.dimension

    @property
    def embedder(self) -> CachedModel:
        """Vectors at rest (see `inference.embedding.vector`)."""
        return self.embedder_of(self._serving)

    def embedder_of(self, name: EmbedderName) -> CachedModel:
        """The same of another embedder than the one that serves."""
        if name not in self._cached:
            revision = self._embedders.get(name).revision
            self._cached[name] = CachedModel(
                revision, self._on_models(lambda texts: self._embedders.get(name).run(texts)), self._store
            )
        return self._cached[name]

    def dimension_of(self, name: EmbedderName) -> int:
        """Length of its vectors."""
        return self._embedders.get(name).dimension

    @property
    def relations(self) -> CachedModel:
        """Encoded analyses by the parser."""
        return self._extractors.relations_of(self._reading[1])

    @property
    def entities(self) -> CachedModel:
        """Encoded analyses by the entity model: by default the parser's own, so that one pass serves both."""
        return self._extractors.get(self._reading[0])

    @property
    def reading(self) -> tuple[ExtractorName, ExtractorName]:
        """What the models of entities and of relations are called."""
        return self._reading

    async def extractor(self, name: ExtractorName) -> CachedModel:
        """The model of this name, loaded. Raises InferenceError."""
        return await asyncio.to_thread(self._extractors.get, name)

    def parser(self, name: ExtractorName) -> CachedModel:
        """The same of one that finds relations; blocks. Raises InferenceError."""
        return self._extractors.relations_of(name)

    async def read_by(self, entities: ExtractorName, relations: ExtractorName) -> None:
        """Have these find entities and relations from now on. Raises InferenceError."""
        await asyncio.to_thread(lambda: (self._extractors.get(entities), self._extractors.relations_of(relations)))
        self._reading = entities, relations

    async def tokens(self, text: str) -> int:
        """How many of the embedder's tokens a text has."""
        offsets = await asyncio.to_thread(lambda: self._embedder.token_offsets(text))
        return sum(end > start for start, end in offsets)

    async def embed_queries(self, texts: Sequence[str], name: EmbedderName | None = None) -> Vectors:
        """Vectors of questions, which are not kept. Shape (texts, dimension). `name`: None is the one that serves."""
        chosen, asked = name or self._serving, list(texts)
        return await asyncio.get_running_loop().run_in_executor(
            self._models, lambda: self._embedders.get(chosen).embed(asked)
        )

    @cached_property
    def reader(self) -> AnswerReader | None:
        """The extractive question-answering model, where the settings name one. Raises InferenceError."""
        chosen = self._settings
        if chosen.reader is None:
            return None
        return AnswerReader(chosen.reader, chosen.reader_revision, dtype=chosen.model_dtype)

    @cached_property
    def reranker(self) -> Reranker | None:
        """The cross-encoder, where the settings name one. Raises InferenceError."""
        chosen = self._settings
        if chosen.reranker is None:
            return None
        return Reranker(chosen.reranker, chosen.reranker_revision, dtype=chosen.model_dtype)

    async def read_spans(self, question: str, texts: Sequence[str]) -> list[list[ReadSpan]]:
        """Of each text, the spans that may answer; none without a reader. Raises InferenceError."""
        reader = self.reader
        if reader is None:
            return [[] for _ in texts]
        return await self._in_turns(lambda part: reader.read(question, part), texts)

    async def relevance(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text fits the question; all alike without a reranker. Raises InferenceError."""
        reranker = self.reranker
        if reranker is None:
            return [0.0] * len(texts)
        return await self._in_turns(lambda part: reranker.scores(question, part), texts)

    async def warm_up(self) -> None:
        """Load what a pipeline needs, so that the first document does not wait for it. Raises InferenceError."""
        await asyncio.to_thread(lambda: self.relations)
        await asyncio.gather(
            asyncio.to_thread(lambda: (self.chunker, self.entities)), self._extractors.warm_up(self._reading[1])
        )

    def close(self) -> None:
        """End threads and processes without waiting for what they do."""
        self._models.shutdown(wait=False, cancel_futures=True)
        self._extractors.close()

    async def _in_turns(self, run: Callable[[list[str]], list[T]], texts: Sequence[str]) -> list[T]:
        found: list[T] = []
        for start in range(0, len(texts), TEXTS):
            found += await call(self._models, run, texts[start : start + TEXTS])
        return found

    def _on_models(self, run: Callable[[list[str]], list[bytes]]) -> Run:
        return lambda texts: call(self._models, run, texts)


def _give_way() -> None:
    """For the calling thread, and those that it makes: Linux alone sets it for each."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
