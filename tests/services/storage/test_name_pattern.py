"""Finding names in texts: nothing that a reader would call the name is passed over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.storage.name_pattern import NamePattern


@pytest.mark.parametrize(
    ("name", "text", "times"),
    [
        ("Ada Lovelace", "Ada Lovelace met ada\n  LOVELACE, and Ada-Lovelace.", 3),
        ("Ada Lovelace", "Ada Lovelace's letters, Ada Lovelaces Briefe", 2),
        ("Ada Lovelace", "letters/by_ada_lovelace.md", 1),
        ("Ada Lovelace", "Ada\u00ad Love\u00adlace", 1),
        ("Ada", "Adam and Nevada, Ada.", 1),
        ("J. R. R. Tolkien", "J.R.R. Tolkien", 1),
        ("O'Brien", "O\u2019Brien", 1),
        ("Zoe\u0308", "Zo\u00eb", 1),
        ("\u0130lker", "\u0130LKER", 1),
        ("\u738b\u5c0f\u660e", "\u6628\u5929\u738b\u5c0f\u660e\u6765\u4e86", 1),
        ("C++", "C++ and C", 1),
        ("The Smiths", "Smiths", 1),
    ],
)
def test_found(name: str, text: str, times: int) -> None:
    assert NamePattern([name]).count(text) == times


def test_the_longest_of_several_names_is_counted_once() -> None:
    assert NamePattern(["Ada", "Ada Lovelace"]).count("Ada Lovelace met Ada.") == 2


def test_what_is_no_name_is_found_nowhere() -> None:
    assert NamePattern(["--", ""]).count("-- a text") == 0


WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=1, max_size=3)


@given(
    name=WORDS, before=st.sampled_from(["", " ", "(", "x/", "\n"]), behind=st.sampled_from(["", ".", "'s", "\n", "_y"])
)
def test_a_name_is_found_wherever_it_stands(name: list[str], before: str, behind: str) -> None:
    spoken = " ".join(name).upper()
    pattern = NamePattern([" ".join(name)])
    # A leading article is no part of a name.
    assert not pattern.names or pattern.count(f"{before}{spoken}{behind}") >= 1
