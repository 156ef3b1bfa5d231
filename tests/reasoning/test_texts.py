"""What is worked out from a passage's text."""

from hypothesis import given
from hypothesis import strategies as st

from projections.vector.reads import Passage
from reasoning.texts import Text
from reasoning.words import stem

WORDS = st.lists(
    st.sampled_from(
        ["Writer", "writers", "writing", "the", "named", "name", "Dvořák's", "ABBA", "city", "cities", "京都", "b.c"]
    ),
    max_size=8,
).map(" ".join)


@given(WORDS, WORDS, st.sampled_from(["writ", "writer", "dvorak", "the", "nam", "name", "cit", "京都", "abba", "w"]))
def test_it_holds_the_stems_of_its_content(title: str, text: str, wanted: str) -> None:
    own = Text(Passage("chunk", "document", title, text, 0, len(text)))
    assert own.holds(wanted) == (wanted in own.content)


@given(WORDS, WORDS)
def test_each_word_that_tells_something_is_held_by_its_stem(title: str, text: str) -> None:
    own = Text(Passage("chunk", "document", title, text, 0, len(text)))
    assert all(own.holds(stem(word)) for word in own.telling_words())
