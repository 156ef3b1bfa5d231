"""A passage as commands give it as JSON."""

from dataclasses import asdict
from typing import Any

from reasoning.results import ScoredPassage


def as_json(passage: ScoredPassage) -> dict[str, Any]:
    """`score` to six digits."""
    return {
        "document_id": passage.document_id,
        "title": passage.title,
        "text": passage.text,
        "score": round(passage.score, 6),
        "chunk_id": passage.chunk_id,
        "start": passage.start,
        "end": passage.end,
        "citation": None if passage.citation is None else asdict(passage.citation),
    }
