"""The way from a question to its passages and its answer."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from contracts.reasoning import CHAIN_CHARACTERS, MAX_SOURCES, MAX_STEPS, STEP_CHARACTERS
from inference.embedder import check_embedder
from inference.model import InferenceError, OtherModelError
from inference.question_answering import ReadSpan
from projections.errors import ReadModelReplacedError
from projections.graph.reads import GraphContent
from projections.vector.reads import Hit, PassageSearch, Vector
from reasoning.answer import READ, Found, answer_of
from reasoning.answer_models import AnswerModels
from reasoning.answering.learned import Ranked
from reasoning.answering.proposal import Support
from reasoning.answering.read_spans import reading_of
from reasoning.chains import chain_of, without_repeats
from reasoning.contradictions import with_contradictions
from reasoning.embedder import Embedders, QueryEmbedder, Serving, Vectors
from reasoning.generated import Generation
from reasoning.generation import PROMPT
from reasoning.index import Index
from reasoning.leads import FoundPassages
from reasoning.neighbourhood import Neighbourhoods
from reasoning.part import ReadPassages
from reasoning.path_ranking import Ranking, rank
from reasoning.reranked import RERANKED, reranked
from reasoning.results import Answer, Candidate, ScoredPassage, Step, scored
from reasoning.speaking import speaks_of
from reasoning.visible import Visible
from reasoning.words import shortened

DEPTH = 100
"""Passages that each search brings."""
TRIES = 5
"""Of a draft: another embedder may take over while one is made."""
GENERATING_S = 30.0
"""How long a generative model is waited for where nobody says less."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer without a generative model, and what such a one works with.

    `knowledge` names the state of the read models and of all models, the generative one among them.
    """

    answer: Answer
    knowledge: str
    question: str
    k: int
    index: Index
    ranking: Ranking
    found: Found


class Reasoner:
    """Answers any number of askers at once. Every method raises what the readers and the embedder raise.

    `ask` raises OtherModelError where no passage has a vector of the embedder, but of another one.
    """

    def __init__(
        self,
        graph: GraphContent,
        passages: PassageSearch,
        embedders: Embedders,
        models: AnswerModels | None = None,
    ) -> None:
        """`models` take the last step; without any, an answer needs none but the embedder."""
        self._graph = graph
        self._passages = passages
        self._embedders = embedders
        self._models = models or AnswerModels()
        self._neighbourhoods = Neighbourhoods(graph, passages)

    @property
    def generates(self) -> bool:
        """Whether a generative model takes the last step."""
        return self._models.generator is not None

    async def load(self) -> None:
        """Load the embedder, and what else answers; nothing where they are loaded. Raises InferenceError."""
        await self._embedders.prepare()
        await self._present()
        await self._models.load()

    async def state(self, tenant: str, visible: Visible | None = None) -> str:
        """SHA-256 in hexadecimal that names the present state of the read models and of every model, and what is
        visible of it: the same state gives the same answers."""
        serving = await self._present()
        return (await self._states(serving.embedder, tenant, visible))[1]

    async def ask(self, tenant: str, question: str, k: int = 5, visible: Visible | None = None) -> Answer:
        """An answer from the `k` passages that answer together, which may each hold a part of it.

        It rests on what is visible alone. Raises ValueError for a blank question, or `k` below 1 or above MAX_SOURCES.
        """
        return await self.finish(await self.draft(tenant, question, k, visible), GENERATING_S)

    async def draft(self, tenant: str, question: str, k: int = 5, visible: Visible | None = None) -> Draft:
        """The answer as far as this machine has it: `ask` without a generative model. Raises as `ask` does."""
        question = _checked(question, k)
        if k > MAX_SOURCES:
            raise ValueError(f"an answer has at most {MAX_SOURCES} sources; ask for fewer than {k}")
        for _ in range(TRIES):
            serving = await self._present()
            try:
                draft = await self._draft(serving.embedder, tenant, question, k, visible)
            except OtherModelError:
                if await self._still(serving):
                    raise
                continue
            # Passages are searched several times, and all must be by vectors of one embedder.
            if await self._still(serving):
                return draft
        raise ReadModelReplacedError()

    async def _present(self) -> Serving:
        serving = await self._embedders.present()
        await serving.embedder.load()
        return serving

    async def _still(self, serving: Serving) -> bool:
        return (await self._embedders.present()).generation == serving.generation

    async def _draft(
        self, embedder: QueryEmbedder, tenant: str, question: str, k: int, visible: Visible | None
    ) -> Draft:
        # The state is read before what it names: a change in between is then seen by the next question.
        without, state = await self._states(embedder, tenant, visible)
        found, named = await asyncio.gather(
            self._found(embedder, tenant, question, visible), self._neighbourhoods.named(tenant, question)
        )
        hood = await self._neighbourhoods.around(tenant, found, named, visible)
        index = hood.index
        ranked = await asyncio.to_thread(rank, index, question, hood.near, found.matching)
        ranking = await self._reranked(index, question, ranked)
        best = ranking.best(max(k, READ))
        spans = await self._read(index, question, best)
        said = await asyncio.to_thread(answer_of, index, question, ranking, best, spans)
        answer = replace(
            await asyncio.to_thread(_answer, index, question, ranking, best, k, without, said),
            models=self._models.revisions(generating=False),
        )
        return Draft(answer, state, question, k, index, ranking, said)

    async def finish(self, draft: Draft, limit_s: float) -> Answer:
        """What a generative model makes of it, where there is one: waited for at most `limit_s`.

        One that fails, or takes longer, leaves the answer as it is without it, with a note.
        """
        generator, best = self._models.generator, draft.ranking.best(max(draft.k, READ))
        if generator is None or not best:
            return draft.answer
        generation = await asyncio.to_thread(Generation, draft.index, draft.question, draft.ranking, best)
        try:
            output = await generator.complete(generation.prompt.system, generation.prompt.user, limit_s)
        except InferenceError as error:
            return without_generator(draft, str(error))
        spoken = await asyncio.to_thread(generation.spoken, output, draft.found)
        answer = await asyncio.to_thread(
            _answer, draft.index, draft.question, draft.ranking, best, draft.k, draft.knowledge, spoken.found
        )
        return replace(
            answer,
            models=self._models.revisions(generating=True),
            borne_out=spoken.borne_out,
            note=spoken.note,
        )

    async def embed(self, query: str) -> tuple[str, Vectors]:
        """Revision of the embedder, and the query's vector of length 1."""
        embedder = (await self._present()).embedder
        vectors = await embedder.embed([query])
        return embedder.revision, vectors[0]

    async def _states(self, embedder: QueryEmbedder, tenant: str, visible: Visible | None) -> tuple[str, str]:
        """Names of the present state without a generative model, and with it."""
        graph, passages = await asyncio.gather(self._graph.content_tag(tenant), self._passages.content_tag(tenant))
        named = (graph, passages, embedder.revision, *(() if visible is None else (visible.key,)))
        without = (*named, *self._models.revisions(generating=False))
        whole = (
            without if self._models.generator is None else (*named, *self._models.revisions(generating=True), PROMPT)
        )
        return _hash(without), _hash(whole)

    async def _reranked(self, index: Index, question: str, ranking: Ranking) -> Ranking:
        reranker, best = self._models.reranker, ranking.best(RERANKED)
        if reranker is None or not best:
            return ranking
        texts = [reading_of(index.passages[number].title, index.passages[number].text)[0] for number in best]
        return reranked(ranking, best, await reranker.scores(question, texts))

    async def _read(self, index: Index, question: str, numbers: Sequence[int]) -> Mapping[int, Sequence[ReadSpan]]:
        """By number of passage, in characters of its text."""
        reader = self._models.reader
        if reader is None or not numbers:
            return {}
        given = [reading_of(index.passages[number].title, index.passages[number].text) for number in numbers]
        spans = await reader.read(question, [text for text, _ in given])
        return {
            number: [ReadSpan(one.start - before, one.end - before, one.probability) for one in found]
            for number, (_, before), found in zip(numbers, given, spans, strict=True)
        }

    async def _found(
        self, embedder: QueryEmbedder, tenant: str, question: str, visible: Visible | None
    ) -> FoundPassages:
        """Hits by meaning and by words, of what is visible.

        The search by words takes longer: what the other one found is read meanwhile.
        """
        within = None if visible is None else visible.collections
        (vector, near, read), matching = await asyncio.gather(
            self._near(embedder, tenant, question, visible),
            self._passages.matching(tenant, question, DEPTH, collections=within),
        )
        return FoundPassages(question, embedder.revision, vector, near, matching, read)

    async def _near(
        self, embedder: QueryEmbedder, tenant: str, question: str, visible: Visible | None
    ) -> tuple[Vector, list[Hit], ReadPassages]:
        """The question's vector, and what is nearest to it."""
        within = None if visible is None else visible.collections
        (vector,) = await embedder.embed([question])
        near = await self._passages.nearest(tenant, embedder.revision, vector, DEPTH, collections=within)
        if not near:
            check_embedder(embedder.revision, await self._passages.models(tenant))
        chunk_ids = [hit.chunk_id for hit in near]
        return vector, near, await self._neighbourhoods.read(tenant, embedder.revision, vector, chunk_ids, visible)


def without_generator(draft: Draft, reason: str) -> Answer:
    """The draft, and why it is no more than that."""
    return replace(draft.answer, note=f"answered without the generative model: {reason}")


def _hash(named: Sequence[str]) -> str:
    return hashlib.sha256("\x00".join(named).encode()).hexdigest()


def _answer(index: Index, question: str, ranking: Ranking, best: list[int], k: int, state: str, found: Found) -> Answer:
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
    answer = Answer(
        found.text,
        found.confidence,
        _sources(index, ranking, sources),
        (chain_of(steps, found.text, worked_out=found.path.worked_out),) if steps else (),
        state,
        steps,
        candidates,
    )
    return with_contradictions(question, answer)


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
