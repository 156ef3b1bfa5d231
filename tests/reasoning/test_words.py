import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reasoning.words import Rarity, Word, Words, content_of, overlap, shortened, stem, words_of


def test_words_know_their_place_and_lose_possessives_and_accents() -> None:
    text = "Dvořák\u2019s opera, Bob's 9th"
    words = words_of(text)
    assert [word.folded for word in words] == ["dvorak", "opera", "bob", "9th"]
    assert [text[word.start : word.end] for word in words] == ["Dvořák", "opera", "Bob", "9th"]


def test_a_text_has_the_same_words_however_its_letters_are_composed() -> None:
    one = "Jos\u00e9 Garc\u00eda\u2019s 한국"
    other = unicodedata.normalize("NFD", one)
    assert [word.folded for word in words_of(one)] == [word.folded for word in words_of(other)]
    assert [word.folded for word in words_of(other)] == ["jose", "garcia", "한국"]
    assert other[words_of(other)[0].start : words_of(other)[0].end] == "Jose\u0301"


def test_what_has_no_spaces_shares_pairs_of_letters() -> None:
    assert content_of("审批流程") <= content_of("采购订单自动审批流程")
    assert not content_of("审批流程") & content_of("采购订单")


@pytest.mark.parametrize(
    ("one", "other"), [("director", "directed"), ("publishes", "published"), ("bridges", "bridge"), ("films", "film")]
)
def test_forms_of_a_word_share_a_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_short_words_keep_their_letters() -> None:
    assert [stem(word) for word in ("gas", "red", "as", "bees")] == ["gas", "red", "as", "bee"]


def test_how_a_thing_is_asked_is_no_content() -> None:
    assert content_of("Who was the director of it?") == content_of("directed")


def test_a_rare_word_weighs_more_and_an_unseen_one_most() -> None:
    weights = Rarity([{"river", "bridge"}, {"river"}, {"river"}]).weigh(["river", "bridge", "kraken"])
    assert weights["river"] < weights["bridge"] < weights["kraken"]


def test_overlap_is_the_share_of_the_weight() -> None:
    assert overlap({"river": 1.0, "bridge": 3.0}, ["bridge", "soup", "bridge"]) == 0.75
    assert overlap({}, ["bridge"]) == 0.0


def test_what_is_too_long_is_cut_and_says_so() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abc..."


_LETTERS = st.sampled_from(
    [*"aSs\u017fZ9_ '\u2019-.\n\u00e9\u00d8\u0130\u0301", "\ud55c", "\u5be9", "\u0e01", "\u200d"]
)


@given(st.text(_LETTERS, max_size=30))
@example("it's 'S x\u2019s 's \u017f'\u017f s's ''s's")
def test_words_of_many_texts_are_those_of_one(text: str) -> None:
    words = Words(text)
    assert [Word(folded, *words.bounds(at, at)) for at, folded in enumerate(words.folded)] == words_of(text)
