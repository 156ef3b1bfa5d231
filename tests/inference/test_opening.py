"""What a text opens with names its thing, or nothing does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.opening import MOST_CHARACTERS, opening_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Lisse is a town on the coast.", ["Lisse"]),
        ("The Sea of Lisse was crossed in 1802.", ["Sea of Lisse"]),
        ("Walnut trees are any species of a genus.", ["Walnut trees"]),
        ("Lisse, also known as the White Town, lies on the coast.", ["Lisse"]),
        ("Port Lisse, a harbour, was built by monks.", ["Port Lisse"]),
        ("Atlantis: The Lost Town is a film.", ["Atlantis: The Lost Town"]),
        ('"My Name Is Sefrik" is a song.', ["My Name Is Sefrik"]),
        ("The Battle of Lisse Bridge took place there.", ["Battle of Lisse Bridge"]),
        ("Symphony No. 5 follows the fourth.", ["Symphony No. 5"]),
        (
            "The Lisse number or Varn number is a figure.",
            ["Lisse number or Varn number", "Lisse number", "Varn number"],
        ),
        ("Sefrik Anders Varn (born 4 May 1902) is a builder.", ["Sefrik Anders Varn", "Sefrik Varn"]),
        (
            'Sefrik Anders "Ferry" Varn (4 May 1902 \u2013 1970) was a builder.',
            ['Sefrik Anders "Ferry" Varn', "Sefrik Varn", "Ferry Varn"],
        ),
        ("Sefrik Varn Bridge (Dutch: Varnbrug) is a bridge.", ["Sefrik Varn Bridge"]),
        ("He was born in Lisse.", []),
        ("In 1931, a mill was built.", []),
        ("In architecture, a grotesque is a figure.", []),
        ("However, nobody came.", []),
        ("most of it is gone", []),
        ("Rain fell. Lisse was flooded.", []),
        ("", []),
    ],
)
def test_names(text: str, names: list[str]) -> None:
    assert [name for name, _ in opening_names(text)] == names
    assert [short for _, short in opening_names(text)] == [number > 0 for number in range(len(names))]


@given(st.text(st.sampled_from('AbŌ .,;:"()-1 isworthe\n'), max_size=300) | st.text())
def test_no_text_makes_it_fail_and_no_name_is_long(text: str) -> None:
    for name, _ in opening_names(text):
        assert len(name) <= 2 * MOST_CHARACTERS
