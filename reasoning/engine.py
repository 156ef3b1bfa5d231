"""The way from a question to its passages and its answer."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from functools import partial

from contracts.reasoning import MAX_SOURCES
from inference.embedder import check_embedder
from projections.graph.reads import GraphContent
from projections.vector.reads import Hit, PassageSearch, Vector
from reasoning.answer import answer_of, confidence_of
from reasoning.chains import chains_of
from reasoning.embedder import QueryEmbedder, Vectors
from reasoning.fusion import reciprocal_rank_fusion
from reasoning.index import Index
from reasoning.index_cache import CachedIndex, IndexCache
from reasoning.path_ranking import rank
from reasoning.results import Answer, ScoredPassage, scored
from reasoning.visible import Visible

DEPTH = 100
"""Passages that each search brings."""
MOST_SIFTED, WIDER = 10_000, 4
"""Passages that a search looks at for somebody who may see only some, and how many times more it looks at next."""


class Reasoner:
    """Answers any number of askers at once. Every method raises what the readers and the embedder raise.

    `search` and `ask` raise OtherModelError where no passage has a vector of the embedder, but of another one.
    """

    def __init__(self, graph: GraphContent, passages: PassageSearch, embedder: QueryEmbedder) -> None:
        self._passages = passages
        self._embedder = embedder
        self._indexes = IndexCache(graph, passages)

    async def load(self) -> None:
        """Load the embedder; nothing where it is loaded. Raises InferenceError."""
        await self._embedder.load()

    async def state(self, tenant: str, visible: Visible | None = None) -> str:
        """SHA-256 in hexadecimal that names the present state of the read models and the embedder, and what is visible
        of it: the same state gives the same answers."""
        return self._digest(await self._indexes.state(tenant), visible)

    async def search(self, tenant: str, question: str, k: int, visible: Visible | None = None) -> list[ScoredPassage]:
        """The `k` best passages by likeness of meaning and of words together, best first.

        Raises ValueError for a blank question, or `k` below 1.
        """
        question = _checked(question, k)
        index = (await self._indexes.of(tenant, visible)).index if visible is not None else None
        near, matching = await self._found(tenant, question, index)
        fused = reciprocal_rank_fusion([[hit.chunk_id for hit in hits] for hits in (near, matching)])[:k]
        passages = await self._passages.passages(tenant, [chunk_id for chunk_id, _ in fused])
        # A passage may have gone since it was found.
        return [scored(passages[chunk_id], score) for chunk_id, score in fused if chunk_id in passages]

    async def ask(self, tenant: str, question: str, k: int = 5, visible: Visible | None = None) -> Answer:
        """An answer from the `k` passages that answer together, which may each hold a part of it.

        It rests on what is visible alone. Raises ValueError for a blank question, or `k` below 1 or above MAX_SOURCES.
        """
        question = _checked(question, k)
        if k > MAX_SOURCES:
            raise ValueError(f"an answer has at most {MAX_SOURCES} sources; ask for fewer than {k}")
        if visible is None:
            knowledge, found = await asyncio.gather(self._indexes.of(tenant), self._found(tenant, question, None))
        else:
            knowledge = await self._indexes.of(tenant, visible)
            found = await self._found(tenant, question, knowledge.index)
        return await asyncio.to_thread(self._answer, knowledge, question, *found, k, visible)

    async def embed(self, query: str) -> tuple[str, Vectors]:
        """Revision of the embedder, and the query's vector of length 1."""
        vectors = await self._embedder.embed([query])
        return self._embedder.revision, vectors[0]

    async def _found(self, tenant: str, question: str, index: Index | None) -> tuple[list[Hit], list[Hit]]:
        """Hits by meaning and by words, of the passages of an index alone where one is given."""
        return await asyncio.gather(
            self._by_meaning(tenant, question, index),
            self._sifted(partial(self._passages.matching, tenant, question), index),
        )

    async def _by_meaning(self, tenant: str, question: str, index: Index | None) -> list[Hit]:
        vectors = await self._embedder.embed([question])
        return await self._sifted(partial(self._near, tenant, vectors[0]), index)

    async def _near(self, tenant: str, vector: Vector, k: int) -> list[Hit]:
        revision = self._embedder.revision
        near = await self._passages.nearest(tenant, revision, vector, k)
        if not near:
            check_embedder(revision, await self._passages.models(tenant))
        return near

    async def _sifted(self, find: Callable[[int], Awaitable[list[Hit]]], index: Index | None) -> list[Hit]:
        """The DEPTH best; of an index, from as many as it takes, up to MOST_SIFTED."""
        size = DEPTH
        while True:
            hits = await find(size)
            own = hits if index is None else [hit for hit in hits if hit.chunk_id in index.numbers]
            if len(own) >= DEPTH or len(hits) < size or size >= MOST_SIFTED or index is None:
                return own[:DEPTH]
            size = min(WIDER * size, MOST_SIFTED)

    def _answer(
        self,
        knowledge: CachedIndex,
        question: str,
        near: list[Hit],
        matching: list[Hit],
        k: int,
        visible: Visible | None,
    ) -> Answer:
        index = knowledge.index
        ranking = rank(index, question, near, matching)
        best = ranking.best(k)
        confidence = confidence_of(index, ranking, best)
        answer = answer_of(index, question, ranking, best) if confidence > 0 else None
        if answer is None:
            return Answer(None, 0.0, (), (), self._digest(knowledge.state, visible))
        return Answer(
            answer,
            confidence,
            tuple(scored(index.passages[number], float(ranking.scores[number])) for number in best),
            chains_of(index, question, ranking, best),
            self._digest(knowledge.state, visible),
        )

    def _digest(self, state: tuple[str, str], visible: Visible | None) -> str:
        named = (*state, self._embedder.revision, *(() if visible is None else (visible.key,)))
        return hashlib.sha256("\x00".join(named).encode()).hexdigest()


def _checked(question: str, k: int) -> str:
    question = question.strip()
    if not question:
        raise ValueError("the question is blank")
    if k < 1:
        raise ValueError("at least one passage must be asked for")
    return question
