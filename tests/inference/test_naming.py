"""What a passage may be called, and how sure each name is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.naming import BEFORE_COMMA, OPENING, SHORT_FORM, SUBJECT, TITLE, UNBRACKETED, is_name, names_of


@pytest.mark.parametrize(
    ("title", "subject", "expected"),
    [
        ("Lisse", None, [("Lisse", TITLE)]),
        ("Mercury (planet)", None, [("Mercury (planet)", TITLE), ("Mercury", UNBRACKETED)]),
        ("Lisse, Morvane", None, [("Lisse, Morvane", TITLE), ("Lisse", BEFORE_COMMA)]),
        ("Lisse", "Sefrik Varn", [("Lisse", TITLE), ("Sefrik Varn", SUBJECT)]),
        ("Lisse", "Lisse", [("Lisse", TITLE)]),
        ("Sefrik Varn, builder", "Sefrik Varn", [("Sefrik Varn, builder", TITLE), ("Sefrik Varn", SUBJECT)]),
        ("  Sefrik\n Varn ", None, [("Sefrik Varn", TITLE)]),
        ("readme", None, []),
        ("", "it", []),
        (None, None, []),
        ("(untitled)", None, []),
        ("\u738b\u4f1f", None, [("\u738b\u4f1f", TITLE)]),
        ("\u0645\u062d\u0645\u062f", None, [("\u0645\u062d\u0645\u062f", TITLE)]),
        ("\u092e\u0940\u0930\u093e", None, [("\u092e\u0940\u0930\u093e", TITLE)]),
        ("\u043c\u043e\u0441\u0442", None, []),
        ("1984", None, []),
    ],
)
def test_names_of(title: str | None, subject: str | None, expected: list[tuple[str, float]]) -> None:
    assert names_of(title, subject) == expected


def test_the_opening_words_name_what_has_no_title() -> None:
    beginning = "Sefrik Anders Varn (born 1902) is a builder."
    assert names_of("", "Varn", beginning) == [
        ("Sefrik Anders Varn", OPENING), ("Sefrik Varn", SHORT_FORM), ("Varn", SUBJECT)
    ]  # fmt: skip
    assert names_of("The builder", "Varn", beginning) == names_of("The builder", "Varn")


@given(st.none() | st.text(max_size=40), st.none() | st.text(max_size=40), st.text(max_size=80))
def test_names_come_once_best_first_and_are_names(title: str | None, subject: str | None, beginning: str) -> None:
    found = names_of(title, subject, beginning)
    assert len({name for name, _ in found}) == len(found)
    assert [quality for _, quality in found] == sorted((quality for _, quality in found), reverse=True)
    for name, quality in found:
        assert is_name(name) and 0.0 < quality <= 1.0
        assert name == " ".join(name.split())
