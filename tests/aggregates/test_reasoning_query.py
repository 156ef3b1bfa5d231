"""The ReasoningQuery's decisions: recorded once, kept when it is sure, judged chain by chain."""

import pytest

from aggregates import reasoning_query as queries
from aggregates.cause import RefusedError
from aggregates.reasoning_query import CACHE_CONFIDENCE, ReasoningQuery
from contracts.payload import Payload
from contracts.reasoning import ReasoningChainValidated, ReasoningQueryExecuted, ReasoningResultCached
from tests.aggregates.scenario import CAUSE, A, B, given

KEPT = ReasoningResultCached(key=B, confidence=0.9)


def executed(
    confidence: float = 0.9, answer: str | None = "Charles", *, cached: bool = False
) -> ReasoningQueryExecuted:
    """A question that was answered by two chains."""
    return ReasoningQueryExecuted(
        question="Whom did Ada meet?",
        answer=answer,
        confidence=confidence,
        sources=(),
        chains=("Ada met Charles.", "Charles knew Ada."),
        knowledge=A,
        cached=cached,
        milliseconds=12,
    )


def state(*history: Payload) -> ReasoningQuery | None:
    """The query after this history."""
    return ReasoningQuery.project(given(*history, aggregate_id="q1"))


def test_question_and_answer_are_recorded_once() -> None:
    (event,) = queries.execute(None, "q1", executed(), CAUSE)
    assert (event.aggregate_id, event.aggregate_version, event.event_data) == ("q1", 1, executed())
    assert queries.execute(state(executed()), "q1", executed(0.5), CAUSE) == ()


def test_a_sure_answer_is_kept_once() -> None:
    (event,) = queries.cache_result(state(executed()), B, CAUSE)
    assert (event.aggregate_version, event.event_data) == (2, KEPT)
    assert queries.cache_result(state(executed(), KEPT), B, CAUSE) == ()


def test_the_limit_itself_is_not_sure_enough() -> None:
    assert CACHE_CONFIDENCE == 0.8
    assert queries.cache_result(state(executed(0.8)), B, CAUSE) == ()
    assert len(queries.cache_result(state(executed(0.8000001)), B, CAUSE)) == 1


@pytest.mark.parametrize(
    "history",
    [(), (executed(0.2),), (executed(1.0, None),), (executed(cached=True),)],
    ids=["never asked", "not sure", "no answer", "from the cache itself"],
)
def test_other_answers_are_not_kept(history: tuple[Payload, ...]) -> None:
    assert queries.cache_result(state(*history), B, CAUSE) == ()


@pytest.mark.parametrize("chain", [0, 1])
@pytest.mark.parametrize("history", [(executed(),), (executed(), KEPT)])
def test_a_chain_is_judged(chain: int, history: tuple[Payload, ...]) -> None:
    judgement = ReasoningChainValidated(chain=chain, valid=False, reason="no source")
    (event,) = queries.validate_chain(state(*history), judgement, CAUSE)
    assert (event.aggregate_version, event.event_data) == (len(history) + 1, judgement)


def test_a_chain_that_is_not_there_is_not_judged() -> None:
    with pytest.raises(RefusedError, match="query q1 has 2 chains, counted from 0"):
        queries.validate_chain(state(executed()), ReasoningChainValidated(chain=2, valid=True), CAUSE)
    with pytest.raises(RefusedError, match="there is no such query"):
        queries.validate_chain(None, ReasoningChainValidated(chain=0, valid=True), CAUSE)


def test_a_judgement_leaves_answer_and_cache_as_they_were() -> None:
    right = ReasoningChainValidated(chain=0, valid=True)
    assert state(executed(), KEPT, right) == ReasoningQuery("q1", 3, executed(), KEPT, {0: right})


def test_a_judgement_is_taken_back_and_the_same_again_changes_nothing() -> None:
    wrong = ReasoningChainValidated(chain=0, valid=False, reason="no source")
    judged = state(executed(), KEPT, wrong)
    assert judged is not None and judged.rejected == wrong
    assert queries.validate_chain(judged, wrong, CAUSE) == ()

    (event,) = queries.validate_chain(judged, ReasoningChainValidated(chain=0, valid=None), CAUSE)
    after = state(executed(), KEPT, wrong, event.event_data)
    assert after is not None and (after.rejected, after.judged) == (None, {})
    with pytest.raises(RefusedError, match="nobody judged chain 0"):
        queries.validate_chain(after, ReasoningChainValidated(chain=0, valid=None), CAUSE)
    assert state() is None
