"""A full-text search as OpenSearch takes it."""

from collections.abc import Sequence
from typing import Any

from projections.vector.opensearch.index import words_field
from projections.vector.spelling import spelled
from projections.vector.text_query import Literal, TextQuery

MOST_WORDS = 1000
"""OpenSearch refuses a search of more than 1,024 words; the rest of a longer one says little."""


def ranked_by(tenant: str, words: str, analysers: Sequence[str]) -> dict[str, Any]:
    """BM25 of these words, by each of the tenant's analysers: a passage is read by one, so scores are not added.

    Lucene leaves the constant k1 + 1 = 2.2 out of its formula: it comes back as the boost.
    """
    most = MOST_WORDS // max(1, len(analysers))
    few = " ".join(spelled(words).split()[:most])
    each = [
        {"match": {".".join(words_field(tenant, analyser)): {"query": few, "boost": 2.2}}} for analyser in analysers
    ]
    return each[0] if len(each) == 1 else {"dis_max": {"queries": each}}


def full_text(
    tenant: str, query: TextQuery, documents: Sequence[str] | None, analysers: Sequence[str]
) -> dict[str, Any]:
    """Those that pass, scored by the words that rank; 0 where none of them is there."""
    ranked = [ranked_by(tenant, query.ranking, analysers)] if query.ranking else []
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
