"""A full-text search as OpenSearch takes it."""

from collections.abc import Sequence
from typing import Any

from projections.vector.opensearch.index import words_of
from projections.vector.text_query import Literal, TextQuery

MOST_WORDS = 1000
"""OpenSearch refuses a search of more than 1,024 words; the rest of a longer one says little."""


def ranked_by(tenant: str, words: str) -> dict[str, Any]:
    """BM25 of these words. Lucene leaves the constant k1 + 1 = 2.2 out of its formula: it comes back as the boost."""
    few = " ".join(words.split()[:MOST_WORDS])
    return {"match": {f"words.{words_of(tenant)}": {"query": few, "boost": 2.2}}}


def full_text(tenant: str, query: TextQuery, documents: Sequence[str] | None) -> dict[str, Any]:
    """Those that pass, scored by the words that rank; 0 where none of them is there."""
    ranked = [ranked_by(tenant, query.ranking)] if query.ranking else []
    passing: list[dict[str, Any]] = [{"term": {"what": "passage"}}, {"term": {"tenant": tenant}}]
    if documents is not None:
        passing.append({"terms": {"document_id": list(documents)}})
    return {
        "bool": {
            "filter": [*passing, *map(_holds, query.present)],
            "must_not": [_holds(literal) for literal in query.absent],
            "should": ranked,
            "minimum_should_match": 1 if ranked and not query.present else 0,
        }
    }


def _holds(literal: Literal) -> dict[str, Any]:
    if literal.prefix:
        return {"prefix": {"literal": {"value": literal.words[0]}}}
    return {"match_phrase": {"literal": " ".join(literal.words)}}
