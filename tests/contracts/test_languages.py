"""The language of a text is told by its script, letters and function words, or not at all."""

import importlib.util
import re
import runpy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.languages import detect
from contracts.scripts import is_plain
from projections.vector import spelling
from tests.projections.contract.passages import LANGUAGES

OURS = ("en", "de", "fr", "es", "it", "pt", "nl", "ru", "ar", "he", "hi", "zh", "ja", "ko", "th")
"""Those that full text knows, too."""
Length = Literal["short", "sentence", "long"]
UNSPACED_SHORT, UNSPACED_SENTENCE, SHORT, SENTENCE = 12, 35, 4, 16
"""Characters of a script without spaces, words of another."""


def ours() -> Iterator[tuple[str, str]]:
    """(language, text) of `languages.txt`; "-" is another language."""
    lines = (Path(__file__).parent / "languages.txt").read_text().splitlines()
    for line in lines:
        if not line.startswith("#"):
            language, text = line.split("\t")
            yield language, text


def examples() -> Iterator[tuple[str, str]]:
    """Those that spaCy tries its languages with; read from its files, since importing it takes seconds."""
    spacy = importlib.util.find_spec("spacy")
    assert spacy is not None and spacy.submodule_search_locations is not None
    for file in sorted(Path(spacy.submodule_search_locations[0]).glob("lang/*/examples.py")):
        language = file.parent.name
        if language != "xx":
            yield from ((language, sentence) for sentence in runpy.run_path(str(file))["sentences"])


def length_of(language: str, text: str) -> Length:
    unspaced = language in ("zh", "ja", "th")
    size = len(text) if unspaced else len(text.split())
    short, sentence = (UNSPACED_SHORT, UNSPACED_SENTENCE) if unspaced else (SHORT, SENTENCE)
    return "short" if size <= short else "sentence" if size <= sentence else "long"


@pytest.mark.parametrize(("length", "share"), [("short", 0.78), ("sentence", 1.0), ("long", 1.0)])
def test_of_texts_written_for_it(length: Length, share: float) -> None:
    texts = [(language, text) for language, text in ours() if language != "-" and length_of(language, text) == length]
    found = Counter((detect(text) == language) for language, text in texts)
    assert len(texts) >= 14
    assert {language for language, _ in texts} == set(OURS) or length == "long"
    assert found[True] / len(texts) >= share, found


def test_of_no_text_written_for_it_another_language_is_told() -> None:
    wrong = [(language, detect(text), text) for language, text in ours() if detect(text) not in (None, language)]
    assert not [one for one in wrong if one[0] != "-" or one[1] in OURS]


def test_of_sentences_that_somebody_else_wrote() -> None:
    found, others = Counter[str](), Counter[str]()
    for language, text in examples():
        told = detect(text)
        if language in OURS:
            found["right" if told == language else "none" if told is None else "wrong"] += 1
        else:
            others["taken for one of ours" if told in OURS else "not"] += 1
    assert found["wrong"] == 0
    assert found["right"] / found.total() >= 0.93, found
    assert others["taken for one of ours"] / others.total() <= 0.05, others


@pytest.mark.parametrize(("language", "text"), [(one[0], " ".join(one[1])) for one in LANGUAGES])
def test_running_text(language: str, text: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize(
    "text",
    ["", "...", "w1x w2x w30x", "Ada Lovelace", "def f(x): return x + 1", "\u0301" * 9, "42", "v1.2 h1:s= v1.3 h1:s="],
)
def test_what_says_too_little_is_not_guessed_at(text: str) -> None:
    assert detect(text) is None


def test_some_foreign_words_do_not_change_a_language() -> None:
    assert detect("The word 采购 is Chinese and it is said of the Дом, which is a house.") == "en"
    assert detect("这个 API 的 endpoint 已经发布了，请看文档。") == "zh"
    assert detect("The café in Köln is called El Niño, and its owner is the son of a señor.") == "en"


@settings(max_examples=50)
@given(st.text())
def test_any_text_has_a_language_or_none(text: str) -> None:
    assert detect(text) is None or 2 <= len(str(detect(text))) <= 3


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=60).filter(is_plain))
def test_text_of_ascii_is_cut_into_the_words_that_any_other_is(text: str) -> None:
    """The short way that most texts take finds what the long one does."""
    assert spelling.length_of(text) == len(re.findall(r"\w+", text))


@pytest.mark.parametrize(("language", "text"), [one for one in ours() if one[1].isascii()])
def test_a_letter_that_is_not_ascii_changes_nothing_else(language: str, text: str) -> None:
    """With one at its end a text is cut the long way."""
    assert detect(text) == detect(f"{text} \u00b7")
