"""How many instances: given a state, when a load is seen at a time, then so many are wanted."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mesh.definition import ServiceScalingConfig
from services.mesh.scaling import ScalingState, decide

CONFIG = ServiceScalingConfig(least=1, most=4, up_at=0.8, down_at=0.5, up_after_s=10, down_after_s=60)


def after(state: ScalingState, *seen: tuple[float, float], config: ServiceScalingConfig = CONFIG) -> ScalingState:
    """The state after loads at times."""
    for load, now in seen:
        state = decide(state, config, load, now)
    return state


@pytest.mark.parametrize(
    ("given", "when", "then"),
    [
        (1, [(0.9, 0), (0.9, 9.9)], 1),
        (1, [(0.9, 0), (0.9, 10)], 2),
        (1, [(0.9, 0), (0.5, 5), (0.9, 6), (0.9, 15)], 1),  # a moment below begins anew
        (1, [(0.8, 0), (0.8, 100)], 1),
        (4, [(5.0, 0), (5.0, 100)], 4),
        (1, [(0.9, 0), (0.9, 10), (0.9, 15), (0.9, 19)], 2),  # the next one waits anew
        (1, [(0.9, 0), (0.9, 10), (0.9, 15), (0.9, 25)], 3),
        (2, [(0.2, 0), (0.2, 59)], 2),
        (2, [(0.2, 0), (0.2, 60)], 1),
        (2, [(0.25, 0), (0.25, 100)], 2),  # the other one would be at 0.5
        (2, [(0.2, 0), (0.6, 30), (0.2, 31), (0.2, 90)], 2),
        (1, [(0.0, 0), (0.0, 1000)], 1),
        (9, [(0.5, 0)], 4),
        (0, [(0.5, 0)], 1),
    ],
)
def test_given_when_then(given: int, when: list[tuple[float, float]], then: int) -> None:
    assert after(ScalingState(given), *when).wanted == then


@given(
    st.floats(0, 10),
    st.integers(1, 8),
    st.integers(1, 3),
    st.integers(0, 6),
    st.floats(0.1, 2.0),
    st.floats(0.05, 0.95),
)
def test_the_same_work_never_flaps(work: float, start: int, least: int, more: int, up_at: float, share: float) -> None:
    """Whatever the bounds: under constant work the number moves in one direction, and then stays."""
    config = ServiceScalingConfig(least, least + more, up_at, up_at * share, 10, 60)
    state, wanted = ScalingState(start), []
    for now in range(0, 2000, 5):
        state = decide(state, config, work / max(1, state.wanted), float(now))
        assert config.least <= state.wanted <= config.most
        wanted.append(state.wanted)
    changes = [after - before for before, after in pairwise(wanted) if after != before]
    assert all(change > 0 for change in changes) or all(change < 0 for change in changes)
    assert len(set(wanted[-50:])) == 1


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0.1, 30)), max_size=60))
def test_changes_are_single_steps_that_were_waited_for(seen: list[tuple[float, float]]) -> None:
    state, now, changed = ScalingState(2), 0.0, 0.0
    for load, passed in seen:
        now += passed
        later = decide(state, CONFIG, load, now)
        if later.wanted > state.wanted:
            assert later.wanted == state.wanted + 1 and now - changed >= CONFIG.up_after_s and load > CONFIG.up_at
            changed = now
        elif later.wanted < state.wanted:
            assert later.wanted == state.wanted - 1 and now - changed >= CONFIG.down_after_s
            changed = now
        state = later
