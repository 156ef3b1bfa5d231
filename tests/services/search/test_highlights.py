"""Spans that show why a passage was found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.vector.text_query import Literal, TextQuery
from services.search.highlights import highlights
from services.search.language import parse

TEXT = "The Glass-Lamp of Dvořák was lit; lamps burned."


@pytest.mark.parametrize(
    ("query", "marked"),
    [
        (TextQuery("lamp"), ["Lamp", "lamps"]),
        (TextQuery("the of was"), []),
        (TextQuery("dvorak burns"), ["Dvořák", "burned"]),
        (TextQuery("lamp", (Literal(("glass", "lamp")),)), ["Glass-Lamp", "lamps"]),
        (TextQuery(present=(Literal(("of", "dvořák")), Literal(("bur",), prefix=True))), ["of Dvořák", "burned"]),
        (TextQuery("lamp", absent=(Literal(("lit",)),)), ["Lamp", "lamps"]),
        (TextQuery(), []),
    ],
)
def test_words_and_phrases(query: TextQuery, marked: list[str]) -> None:
    assert [TEXT[start:end] for start, end in highlights(query, TEXT)] == marked


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("jos\u00e9", "By Jose\u0301, \r\nand Jos\u00e9.", ["Jose\u0301", "Jos\u00e9"]),
        ('"José García"', "By Jose\u0301 Garci\u0301a,\r\nJosé Ramos.", ["Jose\u0301 Garci\u0301a", "José"]),
        ('"Jose\u0301 Garci\u0301a"', "José García came.", ["José García"]),
        ("I\u0307stan*", "👩\u200d🚀\r\nistanbul, \u0130stanbul", ["istanbul", "\u0130stanbul"]),
        ("审批流程", "采购订单自动审批流程", ["审批流程"]),
        ("मीरा", "मोर और मीरा", ["मीरा"]),
        ('"审批"', "自动审批流程", ["审批"]),
        ("istanbul", "👩\u200d🚀 \u0130stanbul", ["\u0130stanbul"]),
    ],
)
def test_in_every_script(query: str, text: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in highlights(parse(query).text, text)] == marked


@given(st.text(max_size=60), st.text(max_size=60))
def test_spans_are_in_order_and_apart(typed: str, text: str) -> None:
    spans = highlights(parse(typed).text, text)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges) and all(0 <= start < end <= len(text) for start, end in spans)
