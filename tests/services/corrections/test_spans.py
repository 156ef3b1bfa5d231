"""Which bounds somebody may give a chunk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.corrections.chunks import MOST_CHARACTERS, check_span
from services.errors import InvalidRequestError

NUMBERS = st.integers(-3, 2 * MOST_CHARACTERS) | st.integers()


@given(NUMBERS, NUMBERS, st.integers(0, 2**31))
def test_it_is_a_stretch_of_the_text_and_no_longer_than_an_index_takes(start: int, end: int, characters: int) -> None:
    fits = 0 <= start < end <= characters and end - start <= MOST_CHARACTERS
    try:
        check_span(start, end, characters)
    except InvalidRequestError as refused:
        assert not fits and str(refused).endswith("bounds")
    else:
        assert fits


def test_the_longest_and_one_more() -> None:
    check_span(7, MOST_CHARACTERS + 7, 1_000_000)
    with pytest.raises(InvalidRequestError, match="50001 characters are too many for a chunk, which has at most 50000"):
        check_span(7, MOST_CHARACTERS + 8, 1_000_000)
