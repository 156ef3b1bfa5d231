"""A span's share of the likelihood of all."""

from typing import Any, cast

import numpy as np
import pytest

from reasoning.answering.features import Scored
from reasoning.answering.learned import ranked


class Said:
    """A span of which its text alone counts here."""

    name: tuple[str, ...] = ("mira", "voss")


@pytest.mark.parametrize("times", range(1, 60))
def test_what_is_said_many_times_has_a_share_of_one_at_most(times: int) -> None:
    said: Any = Said()
    (one,) = ranked([cast(Scored, said)] * times, np.zeros(times))
    assert one.share == pytest.approx(1.0) and one.share <= 1.0


def test_what_several_sentences_say_comes_before_what_one_says_a_little_better() -> None:
    said, other = Said(), Said()
    other.name = ("tarrow",)
    spans = [cast(Scored, one) for one in (other, said, said)]
    first, second = ranked(spans, np.array([0.1, 0.0, 0.0]))
    assert (first.span.name, second.span.name) == (said.name, other.name)
    assert first.share > second.share
