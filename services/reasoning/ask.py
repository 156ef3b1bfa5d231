"""Asking: from the cache where the same was asked of the same knowledge, else by reasoning; an event each."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from aggregates import reasoning_query as queries
from aggregates.cause import Cause
from aggregates.reasoning_query import ReasoningQuery
from contracts.codec import canonical
from contracts.envelope import DomainEvent
from contracts.reasoning import (
    MODEL_CHARACTERS,
    ReasoningCandidate,
    ReasoningQueryExecuted,
    ReasoningStep,
    Source,
)
from eventstore.commands import Command
from eventstore.errors import StoreUnavailableError, reason_of
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.answers.reads import AnswerCache, NothingKept
from projections.vector.reads import Passage, PassageReader
from reasoning.contradictions import with_contradictions
from reasoning.embedder import Vectors
from reasoning.engine import Draft, Reasoner, without_generator
from reasoning.results import Answer, Candidate, ScoredPassage, Step, scored
from reasoning.visible import Visible
from reasoning.words import shortened
from services.caller import Caller
from services.deadline import Deadline, abandon_after
from services.errors import OverloadedError, TooManyQuestionsError
from services.rate_limits import Grant, RateLimits
from services.reasoning.answer_documents import AnswerDocuments
from services.reasoning.recorder import NothingRecorded, Recorder
from services.work_limit import WorkLimit

log = logging.getLogger(__name__)

T = TypeVar("T")
P = TypeVar("P", Source, ReasoningStep, ReasoningCandidate)
Decide = Callable[[ReasoningQuery | None], tuple[DomainEvent, ...]]

ASK_LIMIT_S = 60.0
"""What an edge grants a question, or a search, where it has no reason to grant less."""
RUNNING, WAITING = 4, 64
GENERATING, GENERATING_SHARE = 8, 0.5
"""How many questions a generative model is asked at once, and what share of the time that is left it may take."""
REJECTED_CONFIDENCE = 0.5
"""How sure an answer is at most that somebody called wrong, until something new is known."""
ASIDE_SHARE = 0.05
"""Of the time granted: how long each of what an answer can do without is waited for (limits, cache, documents, log)."""


@dataclass(frozen=True, slots=True)
class AskResult:
    """An answer, the question's id in the log, and whether the answer was kept from an earlier time.

    `key` is what a sure answer is kept by. `timings`: milliseconds of each step. `recorded`: the log has the event;
    where not, it is stored later, if it can be.
    """

    query_id: str
    answer: Answer
    cached: bool
    milliseconds: int
    key: str
    timings: Mapping[str, float]
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class _Kept:
    """An earlier answer; `answer` is None where it cannot be given again. `note`: what somebody said against it."""

    answer: Answer | None
    note: str | None = None


class _Steps:
    """Milliseconds of each step, from the end of the one before."""

    def __init__(self) -> None:
        self._at = time.monotonic()
        self.taken: dict[str, float] = {}

    def done(self, step: str) -> None:
        now = time.monotonic()
        self.taken[step] = round((now - self._at) * 1000, 3)
        self._at = now


class AskService:
    """A limiter, a cache, a read model of documents or a log that is away, or slow, costs a moment and no answer.

    At most RUNNING questions are worked on at once; tenants take turns, and each has at most WAITING more.

    Raises AccessDeniedError, OverloadedError, ValueError for a blank question, TooManyQuestionsError,
    StoreUnavailableError, InferenceError,
    DeadlineExceededError.
    """

    def __init__(
        self,
        reasoner: Reasoner,
        recorder: Recorder,
        reader: EventReader,
        passages: PassageReader,
        answers: AnswerCache,
        limits: RateLimits,
        documents: AnswerDocuments,
        *,
        per_minute: int | None,
    ) -> None:
        """`per_minute`: how many questions a tenant may ask in a minute; None for any number."""
        self._turns = WorkLimit(RUNNING, WAITING)
        self._generating = WorkLimit(GENERATING, WAITING)
        self._reasoner = reasoner
        self._recorder = recorder
        self._reader = reader
        self._passages = passages
        self._answers = answers
        self._limits = limits
        self._documents = documents
        self._per_minute = per_minute

    def limit_to(self, per_minute: int | None) -> None:
        """So many questions a minute for each tenant from now on; None for any number."""
        self._per_minute = per_minute

    def of_generation(self, reasoner: Reasoner, passages: PassageReader, documents: AnswerDocuments) -> "AskService":
        """The same service over another generation, which takes its turns with this one.

        Its answers are not knowledge of today: none is recorded, and none is kept or taken from the cache.
        """
        asking = AskService(
            reasoner,
            NothingRecorded(),
            self._reader,
            passages,
            NothingKept(),
            self._limits,
            documents,
            per_minute=self._per_minute,
        )
        asking._turns, asking._generating = self._turns, self._generating
        return asking

    @property
    def lost(self) -> int:
        """How many answers were given whose events are not in the log and will not be."""
        return self._recorder.lost

    async def load(self) -> None:
        """Load the models now, rather than with the first question; nothing where they are. Raises InferenceError."""
        await self._reasoner.load()

    async def close(self) -> None:
        """Store what is still to be stored, within a limit."""
        await self._recorder.close()

    async def ask(
        self, caller: Caller, question: str, k: int, deadline: Deadline, *, query_id: str | None = None
    ) -> AskResult:
        """Answer, and record it as a `ReasoningQueryExecuted` event; a sure answer is kept for the next time.

        It rests on what the caller may see alone, and is kept for those who may see the same. Of several calls with one
        `query_id` the first is recorded.
        """
        caller.require("reasoning", "execute")
        began, at = time.monotonic(), datetime.now(UTC)
        question = question.strip()
        aside_s = ASIDE_SHARE * deadline.limit_s
        async with deadline.enforce("answering"):
            await self._reasoner.load()
            steps = _Steps()
            await self._allowed(caller.tenant, aside_s)
            steps.done("rate_limit")
            visible = _visible(caller)
            key = _cache_key(caller.tenant, question, k, await self._reasoner.state(caller.tenant, visible))
            kept = await _if_there("the cache", aside_s, self._kept(caller.tenant, question, key)) or _Kept(None)
            answer = kept.answer
            steps.done("cache")
            cached = answer is not None
            if answer is None:
                async with self._turns.turn(caller.tenant, deadline):
                    draft = await self._reasoner.draft(caller.tenant, question, k, visible)
                steps.done("reasoning")
                answer = draft.answer
                if self._reasoner.generates:
                    answer = await self._finished(caller.tenant, draft, deadline)
                    steps.done("generating")
                # An answer is kept by what it comes from: one without a generative model that was away, as such.
                key = _cache_key(caller.tenant, question, k, answer.knowledge)
                answer = _doubted(answer, kept.note)
            if answer.sources or answer.steps or answer.candidates:
                told = await _if_there("what is told of the documents", aside_s, self._documents.told(caller, answer))
                answer = told or answer
                steps.done("documents")
        milliseconds = round((time.monotonic() - began) * 1000)
        asked = AskResult(query_id or str(uuid4()), answer, cached, milliseconds, key, steps.taken)
        command = _command(caller, question, key, asked, at)
        recorded = await self._recorder.record(command, min(aside_s, deadline.remaining_s))
        steps.done("recording")
        return replace(asked, recorded=recorded)

    async def _finished(self, tenant: str, draft: Draft, deadline: Deadline) -> Answer:
        """With what the generative model says, where it says it in time.

        Those who wait for it hold no turn of those whose questions this machine works on.
        """
        granted = Deadline.after(GENERATING_SHARE * deadline.remaining_s)
        try:
            async with self._generating.turn(tenant, granted):
                return await self._reasoner.finish(draft, granted.remaining_s)
        except OverloadedError:
            return without_generator(draft, "too many questions wait for it")

    async def embed(self, caller: Caller, query: str, deadline: Deadline) -> tuple[str, Vectors]:
        """Revision of the embedder, and the query's vector of length 1."""
        require_embedding(caller)
        async with deadline.enforce("embedding the query"):
            await self._reasoner.load()
            return await self._reasoner.embed(query)

    async def _allowed(self, tenant: str, within_s: float) -> None:
        if self._per_minute is None:
            return
        taking = self._limits.take(tenant, "ask", self._per_minute, 60.0)
        grant: Grant | None = await _if_there("the rate limiter", within_s, taking)
        if grant is not None and not grant.allowed:
            raise TooManyQuestionsError(
                f"more than {self._per_minute} questions a minute; ask again in {grant.retry_after_s:.1f} s",
                retry_after_s=grant.retry_after_s,
            )

    async def _kept(self, tenant: str, question: str, key: str) -> _Kept | None:
        query_id = await self._answers.find(tenant, key)
        state = None if query_id is None else await self._asked(tenant, query_id)
        if state is None or state.rejected is None:
            # Not that one, but another one that had the same answer: out of the cache, or before it was kept.
            wrong = await self._documents.rejected(tenant, key)
            doubtful = None if wrong is None else await self._asked(tenant, wrong)
        else:
            doubtful = state
        if doubtful is not None and (rejected := doubtful.rejected) is not None:
            why = "" if rejected.reason is None else f": {rejected.reason}"
            said = f"somebody called chain {rejected.chain} of this answer wrong (question {doubtful.query_id}){why}"
            return _Kept(None, said)
        if state is None:
            return None
        executed = state.executed
        chunk_ids = dict.fromkeys(source.chunk_id for source in executed.sources)
        chunk_ids |= dict.fromkeys(step.chunk_id for step in executed.steps)
        chunk_ids |= dict.fromkeys(candidate.chunk_id for candidate in executed.candidates)
        passages = await self._passages.passages(tenant, list(chunk_ids))
        if len(passages) < len(chunk_ids):
            return None
        kept = Answer(
            executed.answer,
            executed.confidence,
            tuple(scored(passages[source.chunk_id], source.score) for source in executed.sources),
            tuple(executed.chains),
            executed.knowledge,
            tuple(Step(**_quoted(step, passages)) for step in executed.steps),
            tuple(Candidate(**_quoted(other, passages)) for other in executed.candidates),
            executed.missing,
            tuple(executed.models),
            executed.borne_out,
        )
        return _Kept(await asyncio.to_thread(with_contradictions, question, kept))

    async def _asked(self, tenant: str, query_id: str) -> ReasoningQuery | None:
        return ReasoningQuery.project(await self._reader.of_aggregate(tenant, "reasoning_query", query_id))


def _doubted(answer: Answer, note: str | None) -> Answer:
    """As somebody doubts it; not sure enough to be kept, so it is said each time that the same is asked."""
    if note is None or answer.answer is None:
        return answer
    note = note if answer.note is None else f"{note}; {answer.note}"
    return replace(answer, confidence=min(answer.confidence, REJECTED_CONFIDENCE), note=note)


def require_embedding(caller: Caller) -> None:
    """Whoever may search by words or by vectors may have a query's vector. Raises AccessDeniedError."""
    if not caller.access.decide("search", "read").allowed:
        caller.require("storage", "read")


async def _if_there(what: str, within_s: float, asking: Coroutine[Any, Any, T]) -> T | None:
    """None, with a line in the log, where `what` is away or does not answer in time."""
    try:
        return await abandon_after(within_s, asking)
    except (StoreUnavailableError, TimeoutError) as error:
        log.warning("answering without %s: %s", what, reason_of(error))
        return None


def _visible(caller: Caller) -> Visible | None:
    """The documents that the caller's answers may rest on; None for all."""
    collections = caller.access.reach("reasoning", "execute").searched
    return None if collections is None else Visible(collections)


def _quoted(said: ReasoningStep | ReasoningCandidate, passages: Mapping[str, Passage]) -> dict[str, Any]:
    """What an event says, with the sentence that it only tells the place of, and its passage's title."""
    passage = passages[said.chunk_id]
    sentence = passage.text[said.start - passage.start : said.end - passage.start]
    return {**said.model_dump(), "sentence": sentence, "title": passage.title}


def _command(caller: Caller, question: str, key: str, asked: AskResult, at: datetime) -> Command:
    """Made once: tried again, it stores nothing twice, and says when the question was asked."""
    executed = ReasoningQueryExecuted(
        question=question,
        answer=asked.answer.answer,
        confidence=asked.answer.confidence,
        sources=tuple(_part(Source, source) for source in asked.answer.sources),
        chains=asked.answer.chains,
        steps=tuple(_part(ReasoningStep, step) for step in asked.answer.steps),
        candidates=tuple(_part(ReasoningCandidate, candidate) for candidate in asked.answer.candidates),
        missing=asked.answer.missing,
        models=tuple(shortened(name, MODEL_CHARACTERS) for name in asked.answer.models),
        borne_out=asked.answer.borne_out,
        knowledge=asked.answer.knowledge,
        cached=asked.cached,
        key=key,
        milliseconds=asked.milliseconds,
    )
    cause = Cause(caller.metadata, correlation_id=caller.correlation_id or asked.query_id, timestamp=at)
    return Command(
        AggregateKey(caller.tenant, "reasoning_query", asked.query_id),
        ReasoningQuery.project,
        _decision(asked.query_id, executed, key, cause),
        state=None,
    )


def _decision(query_id: str, executed: ReasoningQueryExecuted, key: str, cause: Cause) -> Decide:
    def decide(state: ReasoningQuery | None) -> tuple[DomainEvent, ...]:
        asked = queries.execute(state, query_id, executed, cause)
        return (*asked, *queries.cache_result(ReasoningQuery.project(asked), key, cause))

    return decide


def _part(part: type[P], said: ScoredPassage | Step | Candidate) -> P:
    """What an event keeps of it: the fields of the same names."""
    return part(**{name: getattr(said, name) for name in part.model_fields})


def _cache_key(tenant: str, question: str, k: int, state: str) -> str:
    return hashlib.sha256(canonical([tenant, question, k, state])).hexdigest()
