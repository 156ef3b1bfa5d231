"""ReasoningService (specification 1.2): a question, its answer, and how it came about."""

from collections.abc import Awaitable, Callable

from services.caller import Caller
from services.deadline import Deadline
from services.reasoning.ask import AskService, require_embedding
from services.reasoning.interface import (
    EmbeddingRequest,
    EmbeddingResponse,
    ReasoningMetadata,
    ReasoningQueryRequest,
    ReasoningQueryResponse,
)
from services.requests import check

AskingPast = Callable[[str, Deadline], Awaitable[AskService]]


class ReasoningService:
    """Answers of more than 0.8 confidence are kept by the hash of query and knowledge, so that none is out of date."""

    def __init__(self, asking: AskService, past: AskingPast | None = None) -> None:
        """`past`: who answers from a generation of the past; None where nobody is asked of one."""
        self._asking = asking
        self._past = past

    async def query(self, caller: Caller, request: ReasoningQueryRequest, deadline: Deadline) -> ReasoningQueryResponse:
        """From the cache where the same was asked of the same knowledge, else by reasoning.

        From a generation of the past always by reasoning; raises UnknownGenerationError where it is not there.
        """
        caller.require("reasoning", "execute")
        check(request)
        asking = self._asking
        if request.at is not None:
            assert self._past is not None, "who takes questions has it"
            asking = await self._past(request.at, deadline)
        asked = await asking.ask(caller, request.query, request.max_sources, deadline, query_id=str(request.query_id))
        return ReasoningQueryResponse(
            answer=asked.answer.answer,
            confidence=asked.answer.confidence,
            reasoning_chains=asked.answer.chains,
            sources=asked.answer.sources,
            processing_metadata=ReasoningMetadata(
                query_id=asked.query_id,
                query_hash=asked.key,
                cached=asked.cached,
                recorded=asked.recorded,
                knowledge=asked.answer.knowledge,
                timings=asked.timings,
            ),
            steps=asked.answer.steps,
            candidates=asked.answer.candidates,
            missing=asked.answer.missing,
            models=asked.answer.models,
            borne_out=asked.answer.borne_out,
            note=asked.answer.note,
        )

    async def embed(self, caller: Caller, request: EmbeddingRequest, deadline: Deadline) -> EmbeddingResponse:
        """By the embedder that questions are answered with."""
        require_embedding(caller)
        check(request)
        revision, vector = await self._asking.embed(caller, request.query, deadline)
        return EmbeddingResponse(revision, tuple(map(float, vector)))
