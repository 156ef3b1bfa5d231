"""Retries are a share of requests: an outage is never multiplied."""

from hypothesis import given
from hypothesis import strategies as st

from services.mesh.retry_budget import RetryBudget


def test_a_reserve_then_a_share() -> None:
    budget = RetryBudget(share=0.2, reserve=10, clock=lambda: 0.0)
    assert sum(budget.take() for _ in range(50)) == 10
    for _ in range(50):
        budget.request()
    assert sum(budget.take() for _ in range(50)) in (9, 10)


def test_the_reserve_comes_back_in_time() -> None:
    now = [0.0]
    budget = RetryBudget(reserve=3, clock=lambda: now[0])
    assert sum(budget.take() for _ in range(9)) == 3
    now[0] = 100.0
    assert sum(budget.take() for _ in range(9)) == 3


@given(st.lists(st.booleans(), max_size=400))
def test_never_more_than_reserve_and_share(steps: list[bool]) -> None:
    budget, requests, taken = RetryBudget(share=0.2, reserve=5, clock=lambda: 0.0), 0, 0
    for is_request in steps:
        if is_request:
            budget.request()
            requests += 1
        else:
            taken += budget.take()
        assert taken <= 5 + 0.2 * requests + 1e-6
