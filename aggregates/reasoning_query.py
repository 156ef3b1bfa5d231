"""The ReasoningQuery: asked, answered, perhaps kept, perhaps judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from aggregates.cause import Cause, RefusedError
from contracts.envelope import DomainEvent
from contracts.reasoning import ReasoningChainValidated, ReasoningQueryExecuted, ReasoningResultCached

CACHE_CONFIDENCE = 0.8
"""Only answers surer than this are kept (specification 1.2, ReasoningService)."""


@dataclass(frozen=True, slots=True)
class ReasoningQuery:
    """State of one asked question. `judged`: what people said of its chains, by their number."""

    query_id: str
    version: int
    executed: ReasoningQueryExecuted
    cached: ReasoningResultCached | None = None
    judged: Mapping[int, ReasoningChainValidated] = field(default_factory=dict)

    @property
    def rejected(self) -> ReasoningChainValidated | None:
        """The first judgement that calls a chain wrong."""
        return next((one for one in self.judged.values() if one.valid is False), None)

    @staticmethod
    def project(events: Iterable[DomainEvent], state: "ReasoningQuery | None" = None) -> "ReasoningQuery | None":
        """The state after `events`, which go on from `state`."""
        for event in events:
            data = event.event_data
            if isinstance(data, ReasoningQueryExecuted):
                state = ReasoningQuery(event.aggregate_id, event.aggregate_version, data)
            elif state is not None:
                state = replace(state, version=event.aggregate_version)
                match data:
                    case ReasoningResultCached():
                        state = replace(state, cached=data)
                    case ReasoningChainValidated():
                        others = {chain: one for chain, one in state.judged.items() if chain != data.chain}
                        state = replace(state, judged=others if data.valid is None else {**others, data.chain: data})
        return state


def execute(
    state: ReasoningQuery | None, query_id: str, result: ReasoningQueryExecuted, cause: Cause
) -> tuple[DomainEvent, ...]:
    """Record question and answer, once."""
    return () if state is not None else (cause.event(result, query_id, 1),)


def cache_result(state: ReasoningQuery | None, key: str, cause: Cause) -> tuple[DomainEvent, ...]:
    """Keep the answer if it is sure enough and came from no cache itself."""
    if state is None or state.cached is not None or state.executed.cached:
        return ()
    if state.executed.answer is None or state.executed.confidence <= CACHE_CONFIDENCE:
        return ()
    kept = ReasoningResultCached(key=key, confidence=state.executed.confidence)
    return (cause.event(kept, state.query_id, state.version + 1),)


def validate_chain(
    state: ReasoningQuery | None, judgement: ReasoningChainValidated, cause: Cause
) -> tuple[DomainEvent, ...]:
    """Judge one chain of the answer, or take it back; the same again changes nothing.

    Raises RefusedError for a chain that is not there, and where there is nothing to take back.
    """
    if state is None:
        raise RefusedError("there is no such query")
    if judgement.chain >= len(state.executed.chains):
        raise RefusedError(f"query {state.query_id} has {len(state.executed.chains)} chains, counted from 0")
    before = state.judged.get(judgement.chain)
    if judgement.valid is None and before is None:
        raise RefusedError(f"nobody judged chain {judgement.chain} of query {state.query_id}: there is nothing to undo")
    if before == judgement:
        return ()
    return (cause.event(judgement, state.query_id, state.version + 1),)
