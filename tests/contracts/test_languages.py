"""The language of a text is told by its script and its function words, or not at all."""

import pytest

from contracts.languages import detect
from tests.projections.contract.passages import LANGUAGES


@pytest.mark.parametrize(("language", "text"), [(one[0], " ".join(one[1])) for one in LANGUAGES])
def test_running_text(language: str, text: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize(
    "text", ["", "...", "w1x w2x w30x", "Ada Lovelace", "def f(x): return x + 1", "\u0301" * 9, "42"]
)
def test_what_says_too_little_is_not_guessed_at(text: str) -> None:
    assert detect(text) is None


def test_some_foreign_words_do_not_change_a_language() -> None:
    assert detect("The word 采购 is Chinese and it is said of the Дом, which is a house.") == "en"
    assert detect("这个 API 的 endpoint 已经发布了，请看文档。") == "zh"
