"""The way from a question to its passages and its answer."""

import asyncio
import hashlib

from contracts.reasoning import MAX_SOURCES
from inference.embedder import check_embedder
from projections.graph.reads import GraphContent
from projections.vector.reads import Hit, PassageSearch
from reasoning.answer import answer_of, confidence_of
from reasoning.chains import chains_of
from reasoning.embedder import QueryEmbedder
from reasoning.fusion import reciprocal_rank_fusion
from reasoning.index_cache import CachedIndex, IndexCache
from reasoning.path_ranking import rank
from reasoning.results import Answer, ScoredPassage, scored

DEPTH = 100
"""Passages that each search brings."""


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

    async def state(self, tenant: str) -> str:
        """SHA-256 in hexadecimal that names the present state of the read models and the embedder: the same state gives
        the same answers."""
        return self._digest(await self._indexes.state(tenant))

    async def search(self, tenant: str, question: str, k: int) -> list[ScoredPassage]:
        """The `k` best passages by likeness of meaning and of words together, best first.

        Raises ValueError for a blank question, or `k` below 1.
        """
        near, matching = await self._found(tenant, _checked(question, k))
        fused = reciprocal_rank_fusion([[hit.chunk_id for hit in hits] for hits in (near, matching)])[:k]
        passages = await self._passages.passages(tenant, [chunk_id for chunk_id, _ in fused])
        # A passage may have gone since it was found.
        return [scored(passages[chunk_id], score) for chunk_id, score in fused if chunk_id in passages]

    async def ask(self, tenant: str, question: str, k: int = 5) -> Answer:
        """An answer from the `k` passages that answer together, which may each hold a part of it.

        Raises ValueError for a blank question, or `k` below 1 or above MAX_SOURCES.
        """
        question = _checked(question, k)
        if k > MAX_SOURCES:
            raise ValueError(f"an answer has at most {MAX_SOURCES} sources; ask for fewer than {k}")
        knowledge, (near, matching) = await asyncio.gather(self._indexes.of(tenant), self._found(tenant, question))
        return await asyncio.to_thread(self._answer, knowledge, question, near, matching, k)

    async def _found(self, tenant: str, question: str) -> tuple[list[Hit], list[Hit]]:
        return await asyncio.gather(self._near(tenant, question), self._passages.matching(tenant, question, DEPTH))

    async def _near(self, tenant: str, question: str) -> list[Hit]:
        revision = self._embedder.revision
        vectors = await self._embedder.embed([question])
        near = await self._passages.nearest(tenant, revision, vectors[0], DEPTH)
        if not near:
            check_embedder(revision, await self._passages.models(tenant))
        return near

    def _answer(self, knowledge: CachedIndex, question: str, near: list[Hit], matching: list[Hit], k: int) -> Answer:
        index = knowledge.index
        ranking = rank(index, question, near, matching)
        best = ranking.best(k)
        confidence = confidence_of(index, ranking, best)
        answer = answer_of(index, question, ranking, best) if confidence > 0 else None
        if answer is None:
            return Answer(None, 0.0, (), (), self._digest(knowledge.state))
        return Answer(
            answer,
            confidence,
            tuple(scored(index.passages[number], float(ranking.scores[number])) for number in best),
            chains_of(index, question, ranking, best),
            self._digest(knowledge.state),
        )

    def _digest(self, state: tuple[str, str]) -> str:
        return hashlib.sha256("\x00".join((*state, self._embedder.revision)).encode()).hexdigest()


def _checked(question: str, k: int) -> str:
    question = question.strip()
    if not question:
        raise ValueError("the question is blank")
    if k < 1:
        raise ValueError("at least one passage must be asked for")
    return question
