"""AskService: from the cache where the same was asked of the same knowledge, else by reasoning; an event each."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from aggregates import reasoning_query as queries
from aggregates.cause import Cause
from aggregates.reasoning_query import ReasoningQuery
from annals.composition import Services
from annals.errors import TooManyQuestionsError
from annals.models import open_inference
from contracts.codec import canonical
from contracts.envelope import DomainEvent, EventMetadata
from contracts.reasoning import ReasoningQueryExecuted, Source
from eventstore.commands import Command
from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from inference.embedding import Vectors
from inference.runner import Inference
from reasoning.engine import Reasoner
from reasoning.results import Answer, ScoredPassage, scored


@contextlib.asynccontextmanager
async def open_ask_service(services: Services) -> AsyncIterator["AskService"]:
    """Ready for questions: the embedder is loaded, and let go of at the end. Raises InferenceError."""
    inference = open_inference(services.settings, services.outputs)
    try:
        asking = AskService(services, inference)
        await asking.ready()
        yield asking
    finally:
        inference.close()


Decide = Callable[[ReasoningQuery | None], tuple[DomainEvent, ...]]


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


@dataclass(frozen=True, slots=True)
class AskResult:
    """An answer, the question's id in the log, and whether the answer was kept from an earlier time."""

    query_id: str
    answer: Answer
    cached: bool
    milliseconds: int


class AskService:
    """Raises ValueError for a blank question, TooManyQuestionsError, StoreUnavailableError, InferenceError."""

    def __init__(self, services: Services, inference: Inference) -> None:
        self._services = services
        self._embedder = QuestionEmbedder(inference)
        self.reasoner = Reasoner(services.graph, services.passages, self._embedder)

    async def ready(self) -> None:
        """Load the embedder outside the event loop, so that the first question does not stand still."""
        await asyncio.to_thread(lambda: self._embedder.revision)

    async def ask(self, question: str, k: int = 5) -> AskResult:
        """Answer, and record it as a `ReasoningQueryExecuted` event; a sure answer is kept for the next time."""
        began = time.monotonic()
        tenant = self._services.settings.tenant
        question = question.strip()
        await self._allowed(tenant)
        key = _cache_key(tenant, question, k, await self.reasoner.state(tenant))
        answer = await self._kept(tenant, key)
        cached = answer is not None
        if answer is None:
            answer = await self.reasoner.ask(tenant, question, k)
        asked = AskResult(str(uuid4()), answer, cached, round((time.monotonic() - began) * 1000))
        await self._record(question, key, asked)
        return asked

    async def _allowed(self, tenant: str) -> None:
        limit = self._services.settings.questions_per_minute
        if limit is not None:
            grant = await self._services.limits.take(tenant, "ask", limit, 60.0)
            if not grant.allowed:
                raise TooManyQuestionsError(
                    f"more than {limit} questions a minute; ask again in {grant.retry_after_s:.1f} s"
                )

    async def _kept(self, tenant: str, key: str) -> Answer | None:
        try:
            query_id = await self._services.answers.find(tenant, key)
        except StoreUnavailableError:
            # A cache that is away costs time, not the answer.
            return None
        if query_id is None:
            return None
        events = await self._services.reader.of_aggregate(tenant, "reasoning_query", query_id)
        executed = events[0].event_data if events else None
        if not isinstance(executed, ReasoningQueryExecuted):
            return None
        passages = await self._services.passages.passages(tenant, [source.chunk_id for source in executed.sources])
        if len(passages) < len(executed.sources):
            return None
        sources = tuple(scored(passages[source.chunk_id], source.score) for source in executed.sources)
        return Answer(executed.answer, executed.confidence, sources, tuple(executed.chains), executed.knowledge)

    async def _record(self, question: str, key: str, asked: AskResult) -> None:
        settings = self._services.settings
        metadata = EventMetadata(tenant=settings.tenant, actor=settings.actor, source="ask")
        executed = ReasoningQueryExecuted(
            question=question,
            answer=asked.answer.answer,
            confidence=asked.answer.confidence,
            sources=tuple(_source(source) for source in asked.answer.sources),
            chains=asked.answer.chains,
            knowledge=asked.answer.knowledge,
            cached=asked.cached,
            milliseconds=asked.milliseconds,
        )
        cause = Cause(metadata, correlation_id=asked.query_id)
        await self._services.commands.execute(
            Command(
                AggregateKey(settings.tenant, "reasoning_query", asked.query_id),
                ReasoningQuery.project,
                _decision(asked.query_id, executed, key, cause),
                state=None,
            )
        )


def _decision(query_id: str, executed: ReasoningQueryExecuted, key: str, cause: Cause) -> Decide:
    def decide(state: ReasoningQuery | None) -> tuple[DomainEvent, ...]:
        asked = queries.execute(state, query_id, executed, cause)
        return (*asked, *queries.cache_result(ReasoningQuery.project(asked), key, cause))

    return decide


def _source(passage: ScoredPassage) -> Source:
    return Source(
        document_id=passage.document_id,
        chunk_id=passage.chunk_id,
        start=passage.start,
        end=passage.end,
        score=passage.score,
    )


def _cache_key(tenant: str, question: str, k: int, state: str) -> str:
    return hashlib.sha256(canonical([tenant, question, k, state])).hexdigest()
