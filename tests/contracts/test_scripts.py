"""Where words are, in every script."""

import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.folding import fold, name_key, name_words
from contracts.ids import normalise_name
from contracts.scripts import is_plain, word_bounds

MIXED = st.text(
    alphabet=st.sampled_from(
        "aZ9_ .é\u0301\u0323İßक\u093fर\u094dกำ\u0e49中文字ガ\u30ab\u3099한\u1112\u1161\u11ab"
        "שׁ\u05c1ع\u064b\u200d\u00ad👩🏽\ufe0f\r\n-'"
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Jos\u00e9 Garc\u00eda", ["Jos\u00e9", "Garc\u00eda"]),
        ("Jose\u0301 Garci\u0301a!", ["Jose\u0301", "Garci\u0301a"]),
        ("मीरा देवी।", ["मीरा", "देवी"]),
        ("采购订单", ["采购", "购订", "订单"]),
        ("茶。水", ["茶", "水"]),
        ("用Annals读", ["用", "Annals", "读"]),
        ("น้ำใจ", ["น้ำ", "ำใ", "ใจ"]),
        ("가나 다", ["가나", "다"]),
        ("م\u064eن قال", ["م\u064eن", "قال"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("soft\u00adware", ["soft\u00adware"]),
        ("👩\u200d🚀 flew", ["flew"]),
        ("\u0301\u0301 a", ["a"]),
        ("one\r\ntwo", ["one", "two"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in word_bounds(text)] == words


@given(MIXED)
@settings(max_examples=200)
def test_words_lie_in_the_text_in_order(text: str) -> None:
    bounds = word_bounds(text)
    assert bounds == sorted(bounds)
    assert all(0 <= start < end <= len(text) for start, end in bounds)
    assert all(text[start:end].strip() == text[start:end] for start, end in bounds)


@given(MIXED)
@settings(max_examples=200)
def test_composed_and_decomposed_are_the_same_name(text: str) -> None:
    one, other = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    assert fold(one) == fold(other)
    assert normalise_name(one) == normalise_name(other)
    assert name_key(one) == name_key(other)


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF), max_size=40))
def test_plain_texts_have_the_words_of_the_regular_expression(text: str) -> None:
    if is_plain(text):
        assert [text[start:end] for start, end in word_bounds(text)] == re.findall(r"\w+", text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Dvořák", "dvorak"),
        ("Αθήνα", "αθηνα"),
        ("İstanbul", "istanbul"),
        ("STRASSE", "straße"),
        ("فَاطِمَة", "فاطمة"),
        ("שָׁלוֹם", "שלום"),
        ("soft\u00adware", "Software"),
        ("ＡＢＣ", "abc"),
    ],
)
def test_what_is_compared_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("मीरा", "मोर"), ("ガ", "カ"), ("มา", "ม้า"), ("한", "하"), ("أمل", "امل"), ("கா", "கி")]
)
def test_signs_that_are_half_of_a_word_stay(one: str, other: str) -> None:
    assert fold(one) != fold(other)
    assert name_words(one) != name_words(other)


@pytest.mark.parametrize(
    "text",
    ["中" * 300_000, "ก" * 300_000, "\u0301\u0323" * 150_000, "a" + "\u0301" * 150_000 + "\u0323" * 150_000,
     "a\u200d" * 150_000, "a" + "\u200d" * 300_000, "क" + "ि" * 300_000, "ᄒ" * 300_000],
)  # fmt: skip
def test_a_word_without_an_end_takes_no_time(text: str) -> None:
    began = time.process_time()
    word_bounds(text)
    fold(text)
    normalise_name(text)
    assert time.process_time() - began < 10
