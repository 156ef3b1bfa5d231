"""The way from a question to its passages and its answer."""

import asyncio
import hashlib
from collections.abc import Sequence

from contracts.reasoning import CHAIN_CHARACTERS, MAX_SOURCES, MAX_STEPS, STEP_CHARACTERS
from inference.embedder import check_embedder
from projections.graph.reads import GraphContent
from projections.vector.reads import Hit, PassageSearch
from reasoning.answer import READ, answer_of
from reasoning.answering.learned import Ranked
from reasoning.answering.proposal import Support
from reasoning.chains import chain_of, without_repeats
from reasoning.embedder import QueryEmbedder, Vectors
from reasoning.index import Index
from reasoning.neighbourhood import Neighbourhoods
from reasoning.path_ranking import Ranking, rank
from reasoning.results import Answer, Candidate, ScoredPassage, Step, scored
from reasoning.speaking import speaks_of
from reasoning.visible import Visible
from reasoning.words import shortened

DEPTH = 100
"""Passages that each search brings."""


class Reasoner:
    """Answers any number of askers at once. Every method raises what the readers and the embedder raise.

    `ask` raises OtherModelError where no passage has a vector of the embedder, but of another one.
    """

    def __init__(self, graph: GraphContent, passages: PassageSearch, embedder: QueryEmbedder) -> None:
        self._graph = graph
        self._passages = passages
        self._embedder = embedder
        self._neighbourhoods = Neighbourhoods(graph, passages)

    async def load(self) -> None:
        """Load the embedder; nothing where it is loaded. Raises InferenceError."""
        await self._embedder.load()

    async def state(self, tenant: str, visible: Visible | None = None) -> str:
        """SHA-256 in hexadecimal that names the present state of the read models and the embedder, and what is visible
        of it: the same state gives the same answers."""
        graph, passages = await asyncio.gather(self._graph.content_tag(tenant), self._passages.content_tag(tenant))
        named = (graph, passages, self._embedder.revision, *(() if visible is None else (visible.key,)))
        return hashlib.sha256("\x00".join(named).encode()).hexdigest()

    async def ask(self, tenant: str, question: str, k: int = 5, visible: Visible | None = None) -> Answer:
        """An answer from the `k` passages that answer together, which may each hold a part of it.

        It rests on what is visible alone. Raises ValueError for a blank question, or `k` below 1 or above MAX_SOURCES.
        """
        question = _checked(question, k)
        if k > MAX_SOURCES:
            raise ValueError(f"an answer has at most {MAX_SOURCES} sources; ask for fewer than {k}")
        # The state is read before what it names: a change in between is then seen by the next question.
        state = await self.state(tenant, visible)
        near, matching = await self._found(tenant, question, visible)
        index = await self._neighbourhoods.around(tenant, question, near, matching, visible)
        return await asyncio.to_thread(_answer, index, question, near, matching, k, state)

    async def embed(self, query: str) -> tuple[str, Vectors]:
        """Revision of the embedder, and the query's vector of length 1."""
        vectors = await self._embedder.embed([query])
        return self._embedder.revision, vectors[0]

    async def _found(self, tenant: str, question: str, visible: Visible | None) -> tuple[list[Hit], list[Hit]]:
        """Hits by meaning and by words, of what is visible."""
        within = None if visible is None else visible.collections
        return await asyncio.gather(
            self._near(tenant, question, within),
            self._passages.matching(tenant, question, DEPTH, collections=within),
        )

    async def _near(self, tenant: str, question: str, within: frozenset[str] | None) -> list[Hit]:
        revision = self._embedder.revision
        vectors = await self._embedder.embed([question])
        near = await self._passages.nearest(tenant, revision, vectors[0], DEPTH, collections=within)
        if not near:
            check_embedder(revision, await self._passages.models(tenant))
        return near


def _answer(index: Index, question: str, near: list[Hit], matching: list[Hit], k: int, state: str) -> Answer:
    ranking = rank(index, question, near, matching)
    best = ranking.best(max(k, READ))
    found = answer_of(index, question, ranking, best)
    candidates = tuple(_candidate(index, other) for other in found.others)
    steps = without_repeats([_step(index, support, asked) for support, asked in found.path.supports])[-MAX_STEPS:]
    if found.text is None:
        missing = shortened(found.missing or "", CHAIN_CHARACTERS)
        # What was found is shown all the same, where it speaks of the question.
        shown = best[:k] if speaks_of(index, ranking, best[:k]) else []
        return Answer(None, 0.0, _sources(index, ranking, shown), (), state, (), candidates, missing)
    # What the answer rests on is among the sources, whatever its rank.
    rests = list(found.passages[-k:])
    sources = [*(number for number in best if number not in rests)][: k - len(rests)] + rests
    sources.sort(key=lambda number: -ranking.scores[number])
    return Answer(
        found.text,
        found.confidence,
        _sources(index, ranking, sources),
        (chain_of(steps, found.text, worked_out=found.path.worked_out),),
        state,
        steps,
        candidates,
    )


def _sources(index: Index, ranking: Ranking, numbers: Sequence[int]) -> tuple[ScoredPassage, ...]:
    return tuple(scored(index.passages[number], float(ranking.scores[number])) for number in numbers)


def _checked(question: str, k: int) -> str:
    question = question.strip()
    if not question:
        raise ValueError("the question is blank")
    if k < 1:
        raise ValueError("at least one passage must be asked for")
    return question


def _step(index: Index, support: Support, asked: str) -> Step:
    sentence = support.sentence
    passage = index.passages[sentence.passage.number]
    return Step(
        asked,
        shortened(support.value, STEP_CHARACTERS),
        sentence.text,
        passage.title,
        passage.document_id,
        passage.chunk_id,
        passage.start + sentence.start,
        passage.start + sentence.end,
    )


def _candidate(index: Index, other: Ranked) -> Candidate:
    sentence = other.span.sentence
    passage = index.passages[sentence.passage.number]
    return Candidate(
        shortened(other.span.text, STEP_CHARACTERS),
        other.share,
        sentence.text,
        passage.title,
        passage.document_id,
        passage.chunk_id,
        passage.start + sentence.start,
        passage.start + sentence.end,
    )
