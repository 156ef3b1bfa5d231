"""Blocking, rules and choice, as functions."""

from collections import defaultdict
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.matching.blocking import blocking_keys
from aggregates.matching.choosing import Candidate, choose
from aggregates.matching.comparing import compare
from aggregates.matching.features import NameFeatures, features_of
from aggregates.matching.romanising import romanised, sound_of
from aggregates.matching.spelling import is_one_slip
from tests.aggregates.matching.pairs import read

NAMES = sorted(
    {
        name
        for file in ("pairs.tsv", "held_out_pairs.tsv", "later_pairs.tsv")
        for pair in read(file)
        for name in pair.names
    },
    key=lambda name: (name.name, name.group or ""),
)
TEXTS = st.text(st.characters() | st.sampled_from("ЪьПрес \u0640.,()'"), max_size=40)
ALIKE = np.array([1.0, 0.0], dtype=np.float32)


def candidate(name: str, group: str | None = "person", documents: int = 1, entity_id: str = "") -> Candidate:
    """An entity whose contexts are like all others'."""
    return Candidate(entity_id or name, features_of(name, group), documents, lambda: [ALIKE])


def test_names_that_a_rule_takes_for_one_share_a_key() -> None:
    """Of all pairs of the names in the tables: what blocking would hide, no rule would have found."""
    hidden = [
        (one.name, other.name)
        for one, other in combinations(NAMES, 2)
        if compare(one, other, lambda: 1.0) is not None and not blocking_keys(one) & blocking_keys(other)
    ]
    assert hidden == []


@pytest.mark.parametrize("alike", [1, 5])
def test_a_name_is_compared_with_few(alike: int) -> None:
    """What there is to compare grows with the names that are alike, and not with the square of all names."""

    def comparisons(count: int) -> int:
        blocks: dict[str, set[int]] = defaultdict(set)
        for index in range(count):
            base = index // alike
            person = features_of(f"{'ABCDE'[index % alike]}. {_word(base)}{_word(base * 31 + 7).lower()}", "person")
            for key in blocking_keys(person):
                blocks[key].add(index)
        return len({pair for block in blocks.values() for pair in combinations(sorted(block), 2)})

    few, many = comparisons(1000), comparisons(4000)
    assert many <= 4000 * alike
    assert many <= 4.5 * few + 100


@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.floats(-1, 1))
def test_it_does_not_matter_which_name_comes_first(one: NameFeatures, other: NameFeatures, cosine: float) -> None:
    """The same rule, or none, either way."""
    assert compare(one, other, lambda: cosine) == compare(other, one, lambda: cosine)


@given(TEXTS, TEXTS, st.sampled_from([None, "person", "organisation", "place"]))
def test_any_text_is_a_name_like_another(name: str, other: str, group: str | None) -> None:
    """No text is too strange, and nothing is two with itself."""
    one = features_of(name, group)
    compare(one, features_of(other, group), lambda: 1.0)
    if one.words:
        assert compare(one, one, lambda: 1.0) is not None
        assert blocking_keys(one)


@pytest.mark.parametrize("alone", ["Ъ", "ь", "\u0640"])
@pytest.mark.parametrize("name", ["{}", "{} Иванов", "Иванов {}", "Издательский дом {}", "{}{} Ltd", "Press ({})"])
@pytest.mark.parametrize("group", [None, "person", "organisation"])
def test_what_is_nothing_in_latin_letters_is_a_word(alone: str, name: str, group: str | None) -> None:
    """The hard and the soft sign, and a letter that only joins others."""
    own = features_of(name.replace("{}", alone), group)
    assert all(own.words)
    assert own.words == () or blocking_keys(own)


@settings(max_examples=50)
@given(st.permutations(NAMES))
def test_choices_do_not_depend_on_the_order(names: list[NameFeatures]) -> None:
    """Of the same entities in another order the same are chosen, and no choice leads back to where it came from."""

    def chosen(order: list[NameFeatures]) -> dict[str, str]:
        all_of_them = [Candidate(f"{one.name}/{one.group}", one, 1, lambda: [ALIKE]) for one in order[:60]]
        found = {one.entity_id: choose(one, all_of_them) for one in all_of_them}
        return {entity: choice.into for entity, choice in found.items() if choice is not None}

    chosen_here = chosen(names)
    assert chosen_here == chosen(list(reversed(names[:60])))
    for start in chosen_here:
        at, steps = start, 0
        while at in chosen_here:
            at, steps = chosen_here[at], steps + 1
            assert steps <= len(chosen_here)


def test_a_short_name_of_two_is_neither() -> None:
    """`J. Smith` may be John or Jane, so it stays by itself; with John alone it is his."""
    short, john, jane = candidate("J. Smith"), candidate("John Smith"), candidate("Jane Smith")
    assert choose(short, [john, jane]) is None
    choice = choose(short, [john])
    assert choice is not None
    assert (choice.into, choice.match.rule) == ("John Smith", "initials")


def test_the_surest_rule_is_heard_first() -> None:
    """A title says nothing of whom; that there are two with a middle name does not matter then."""
    choice = choose(
        candidate("Dr. Jane Doe"), [candidate("Jane Doe"), candidate("Jane A. Doe"), candidate("Jane B. Doe")]
    )
    assert choice is not None
    assert (choice.into, choice.match.rule) == ("Jane Doe", "same name")


def test_the_name_that_says_most_stays() -> None:
    """The long one, the bare one, then the one that more documents use."""
    assert (
        choose(candidate("International Business Machines", "organisation"), [candidate("IBM", "organisation")]) is None
    )
    assert choose(candidate("Jane Doe"), [candidate("Dr. Jane Doe")]) is None
    usual, slip = candidate("Massachusetts", "place", 5), candidate("Massachussetts", "place", 1)
    assert choose(usual, [slip]) is None
    choice = choose(slip, [usual])
    assert choice is not None
    assert choice.into == "Massachusetts"


def test_without_contexts_nothing_is_decided() -> None:
    """Names alone are no evidence."""
    nowhere = Candidate("Dr. Jane Doe", features_of("Dr. Jane Doe", "person"), 1, lambda: [])
    assert choose(nowhere, [candidate("Jane Doe")]) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("Чайковский", "Tchaikovsky"), ("Хрущёв", "Khrushchev"), ("Jelzin", "Yeltsin"), ("Đoković", "Djokovic")],
)
def test_spellings_of_several_languages_sound_alike(one: str, other: str) -> None:
    """By rule, letter by letter."""
    assert sound_of(one) == sound_of(other)


def test_names_in_latin_letters_are_what_rules_make_of_them() -> None:
    """Moscow is a word of English, which no rule leads to."""
    assert romanised("Москва") == "moskva"
    assert romanised("Θεσσαλονίκη") == "thessaloniki"
    assert romanised("王伟") == "王伟"


@given(st.text("abc", min_size=1, max_size=8), st.data())
def test_one_slip_is_one_operation(word: str, data: st.DataObject) -> None:
    """A letter more or other; two neighbours changed over; either way round."""
    at = data.draw(st.integers(0, len(word) - 1))
    more = word[:at] + "x" + word[at:]
    other = word[:at] + "x" + word[at + 1 :]
    assert is_one_slip(word, more)
    assert is_one_slip(more, word)
    assert is_one_slip(word, other)
    assert not is_one_slip(word, word)
    assert not is_one_slip(word, f"{other}x") or len(word) == 1
    if at and word[at] != word[at - 1]:
        assert is_one_slip(word, word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :])


def _word(number: int) -> str:
    """A word of its own for each number, spread over the letters."""
    letters, number = "", number * 2654435761 % 2**32
    for _ in range(3):
        letters += "bdfgklmnprst"[number % 12] + "aeou"[number // 12 % 4]
        number //= 48
    return letters.capitalize()
