"""Every text that a person types is a query, and what it holds is what was meant."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.vector.text_query import MOST_LITERALS, MOST_WORDS, Literal, TextQuery
from services.search.language import DocumentConditions, parse

NOTHING = TextQuery()


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("", NOTHING),
        ("???", NOTHING),
        ("- -- \" ' * -*", NOTHING),
        ("Glass lamp", TextQuery("glass lamp")),
        ("glass glass", TextQuery("glass")),
        ('"Glass lamp" night', TextQuery("glass lamp night", (Literal(("glass", "lamp")),))),
        ("lamp*", TextQuery("lamp", (Literal(("lamp",), prefix=True),))),
        ("well-known*", TextQuery("well known", (Literal(("well", "known")),))),
        ("lamp -night", TextQuery("lamp", (), (Literal(("night",)),))),
        ('-"dark night" -sta*', TextQuery("", (), (Literal(("dark", "night")), Literal(("sta",), prefix=True)))),
        ("well-known", TextQuery("well known")),
        ('What\'s "B=128" & (C++ !', TextQuery("what s b 128 c", (Literal(("b", "128")),))),
        ('an "open end', TextQuery("an open end")),
        ("http://lamp.example/x after:never Note: this", TextQuery("http lamp example x after never note this")),
    ],
)
def test_words(typed: str, text: TextQuery) -> None:
    parsed = parse(typed)
    assert parsed.text == text
    assert parsed.conditions == DocumentConditions() and not parsed.conditions


@pytest.mark.parametrize(
    ("typed", "conditions"),
    [
        ("document:a/b.txt", DocumentConditions(documents=("a/b.txt",))),
        ('document:"a b" document:c', DocumentConditions(documents=("a b", "c"))),
        ("source:https://x.example/", DocumentConditions(source="https://x.example/")),
        ("type:letter type:note", DocumentConditions(attributes={"type": ("letter", "note")})),
        ("language:en", DocumentConditions(attributes={"language": ("en",)})),
        ('meta:"author=Ada Lovelace"', DocumentConditions(attributes={"author": ("Ada Lovelace",)})),
        (
            "after:2026-01-05 before:2026-02-01T12:00+01:00",
            DocumentConditions(
                since=datetime(2026, 1, 5, tzinfo=UTC), until=datetime.fromisoformat("2026-02-01T12:00+01:00")
            ),
        ),
    ],
)
def test_conditions(typed: str, conditions: DocumentConditions) -> None:
    parsed = parse(f"lamp {typed}")
    assert parsed.conditions == conditions
    assert parsed.text == TextQuery("lamp") and parsed.meaning == "lamp"


def test_there_is_an_end_to_what_is_asked() -> None:
    text = parse(" ".join(f'w{number} "p{number}" -n{number}' for number in range(600))).text
    assert len(text.ranking.split()) == MOST_WORDS
    assert len(text.present) == len(text.absent) == MOST_LITERALS


@given(st.text(st.sampled_from("ab:-\"*= '\\()&|!<>~^é\u0130\x01\ud800?/+.1type") | st.characters(), max_size=80))
def test_no_text_makes_it_fail(typed: str) -> None:
    parsed = parse(typed)
    for literal in (*parsed.text.present, *parsed.text.absent):
        assert literal.words and all(word and not word.isspace() for word in literal.words)
        assert not literal.prefix or len(literal.words) == 1
