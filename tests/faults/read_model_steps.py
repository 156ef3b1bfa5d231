"""Read models built anew."""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.faults.driving import Driver, seeds
from tests.faults.world import MODELS

BETWEEN_REPLAYS = 3
"""Steps: a replay costs more than any other one."""


class ReadModelSteps(Driver):
    """While whatever happened is delivered, or is not."""

    @precondition(lambda self: self.since_replay >= BETWEEN_REPLAYS)
    @rule(names=st.sampled_from((*((one,) for one in MODELS), MODELS)), catch_up=st.booleans(), seed=seeds)
    def replay(self, names: Sequence[str], catch_up: bool, seed: int) -> None:
        """Read models are built anew, whatever was delivered."""
        self._do(self.world.replay(names))
        self.since_replay = 0
        self._end_step("replay", catch_up, seed)
