"""What `annals ask` tells people of an answer that a source contradicts."""

from typing import Any

import pytest

from annals.cli.ask import _tell
from annals.cli.context import CommandContext
from annals.settings import load_settings


def candidate(value: str, title: str, **more: Any) -> dict[str, Any]:
    told = {"support": 0.4, "sentence": f"It was founded in {value}.", "title": title, "document_id": f"{title}.md"}
    return {"answer": value, **told, "documents": 1, "contradicts": False, "date": None, "date_of": None, **more}


def said(capsys: pytest.CaptureFixture[str], *candidates: dict[str, Any]) -> list[str]:
    source = {"title": "Guide", "text": "It was founded in 1849.", "citation": None}
    answer = {"answer": "1849", "confidence": 0.5, "cached": False, "borne_out": None, "note": None, "missing": None}
    _tell(CommandContext(load_settings()), {**answer, "steps": [], "candidates": list(candidates), "sources": [source]})
    return capsys.readouterr().out.splitlines()


def test_both_sentences_are_told_with_their_sources_and_dates(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(
        capsys,
        candidate("1849", "Guide", documents=2, date="2019-05-01", date_of="said"),
        candidate(
            "1851", "History", contradicts=True, date="2026-03-04T05:06:00+00:00", date_of="taken in", support=0.3
        ),
        candidate("1860", "", support=0.1),
    )
    assert lines[2:] == [
        "Contradicted",
        "  1849: It was founded in 1849. (Guide, of 2019-05-01, in 2 documents)",
        "  1851: It was founded in 1851. (History, taken in 2026-03-04)",
        "Less likely",
        "  0.10 1860: It was founded in 1860. (.md)",
        "Sources",
        "  1. Guide: It was founded in 1849.",
    ]


def test_where_nothing_contradicts_it_nothing_is_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Contradicted" not in said(capsys, candidate("1849", "Guide"), candidate("1860", "History"))
