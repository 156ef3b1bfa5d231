"""Asking: from the cache where the same was asked of the same knowledge, else by reasoning; an event each."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from aggregates import reasoning_query as queries
from aggregates.cause import Cause
from aggregates.reasoning_query import ReasoningQuery
from contracts.codec import canonical
from contracts.envelope import DomainEvent
from contracts.reasoning import ReasoningQueryExecuted, Source
from eventstore.commands import Command, Commands
from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.answers.reads import AnswerCache
from projections.vector.reads import PassageReader
from reasoning.engine import Reasoner
from reasoning.results import Answer, ScoredPassage, scored
from services.caller import Caller
from services.errors import TooManyQuestionsError
from services.rate_limits import RateLimits

Decide = Callable[[ReasoningQuery | None], tuple[DomainEvent, ...]]


@dataclass(frozen=True, slots=True)
class AskResult:
    """An answer, the question's id in the log, and whether the answer was kept from an earlier time."""

    query_id: str
    answer: Answer
    cached: bool
    milliseconds: int


class AskService:
    """Raises ValueError for a blank question, TooManyQuestionsError, StoreUnavailableError, InferenceError."""

    def __init__(
        self,
        reasoner: Reasoner,
        commands: Commands,
        reader: EventReader,
        passages: PassageReader,
        answers: AnswerCache,
        limits: RateLimits,
        *,
        per_minute: int | None,
    ) -> None:
        """`per_minute`: how many questions a tenant may ask in a minute; None for any number."""
        self._reasoner = reasoner
        self._commands = commands
        self._reader = reader
        self._passages = passages
        self._answers = answers
        self._limits = limits
        self._per_minute = per_minute

    async def ask(self, caller: Caller, question: str, k: int = 5) -> AskResult:
        """Answer, and record it as a `ReasoningQueryExecuted` event; a sure answer is kept for the next time."""
        began = time.monotonic()
        question = question.strip()
        await self._allowed(caller.tenant)
        key = _cache_key(caller.tenant, question, k, await self._reasoner.state(caller.tenant))
        answer = await self._kept(caller.tenant, key)
        cached = answer is not None
        if answer is None:
            answer = await self._reasoner.ask(caller.tenant, question, k)
        asked = AskResult(str(uuid4()), answer, cached, round((time.monotonic() - began) * 1000))
        await self._record(caller, question, key, asked)
        return asked

    async def search(self, caller: Caller, query: str, k: int) -> list[ScoredPassage]:
        """The `k` passages nearest to `query` by meaning and by words, best first; no event."""
        return await self._reasoner.search(caller.tenant, query, k)

    async def _allowed(self, tenant: str) -> None:
        if self._per_minute is not None:
            grant = await self._limits.take(tenant, "ask", self._per_minute, 60.0)
            if not grant.allowed:
                raise TooManyQuestionsError(
                    f"more than {self._per_minute} questions a minute; ask again in {grant.retry_after_s:.1f} s"
                )

    async def _kept(self, tenant: str, key: str) -> Answer | None:
        try:
            query_id = await self._answers.find(tenant, key)
        except StoreUnavailableError:
            # A cache that is away costs time, not the answer.
            return None
        if query_id is None:
            return None
        events = await self._reader.of_aggregate(tenant, "reasoning_query", query_id)
        executed = events[0].event_data if events else None
        if not isinstance(executed, ReasoningQueryExecuted):
            return None
        passages = await self._passages.passages(tenant, [source.chunk_id for source in executed.sources])
        if len(passages) < len(executed.sources):
            return None
        sources = tuple(scored(passages[source.chunk_id], source.score) for source in executed.sources)
        return Answer(executed.answer, executed.confidence, sources, tuple(executed.chains), executed.knowledge)

    async def _record(self, caller: Caller, question: str, key: str, asked: AskResult) -> None:
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
        cause = Cause(caller.metadata, correlation_id=asked.query_id)
        await self._commands.execute(
            Command(
                AggregateKey(caller.tenant, "reasoning_query", asked.query_id),
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
