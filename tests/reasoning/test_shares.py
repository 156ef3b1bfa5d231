"""A span's share of the likelihood of all."""

from typing import Any, cast

import numpy as np
import pytest

from reasoning.answering.features import Scored
from reasoning.answering.learned import ranked


class Said:
    """A span of which its text alone counts here."""

    name = ("mira", "voss")


@pytest.mark.parametrize("times", range(1, 60))
def test_what_is_said_many_times_has_a_share_of_one_at_most(times: int) -> None:
    said: Any = Said()
    (one,) = ranked([cast(Scored, said)] * times, np.zeros(times))
    assert one.share == pytest.approx(1.0) and one.share <= 1.0
