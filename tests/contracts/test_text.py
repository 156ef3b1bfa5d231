"""What counts as text: something that a reader can see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.text import is_blank

UNSEEN = st.text(st.characters(categories=["Cc", "Cf", "Zs", "Zl", "Zp"]) | st.sampled_from("\u3164\u2800\ufe0f\u034f"))


@given(UNSEEN)
def test_what_cannot_be_seen_is_blank(text: str) -> None:
    assert is_blank(text)


@given(UNSEEN, st.characters(categories=["Ll", "Lu", "Nd", "Po", "Sm"]), UNSEEN)
def test_one_letter_digit_or_mark_is_enough(before: str, seen: str, after: str) -> None:
    assert not is_blank(before + seen + after)


@pytest.mark.parametrize("text", ["日本", "ع", "👩", "\ue000", "é", "-"])
def test_every_script_is_text(text: str) -> None:
    assert not is_blank(text)
