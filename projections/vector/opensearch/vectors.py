"""Search of vectors in OpenSearch, as the specification has it (3.1): what is asked and what is answered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projections.vector.reads import Vector


@dataclass(frozen=True, slots=True)
class VectorSearchQuery:
    """The `k` nearest to a vector of length 1, shape (dimension,), among those of the embedder's revision `model`.

    `source_fields` are the fields of a passage that come with each; `documents` limits the search to passages of these,
    `collections` to those of documents of these, `chunk_ids` to these passages; no more than `k` of them are all
    compared.
    """

    model: str
    query_vector: Vector
    k: int
    source_fields: tuple[str, ...] = ("chunk_id",)
    documents: Sequence[str] | None = None
    collections: Collection[str] | None = None
    chunk_ids: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class VectorSearchResult:
    """One passage. `id` is its chunk id, `score` the cosine similarity, `source` the chosen fields."""

    id: str
    score: float
    source: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VectorSearchResponse:
    """`took`: milliseconds in the server. `total_hits`: passages that the search of the graph looked at and would give.

    `results`: the `k` best, best first, in a tie by id.
    """

    took: int
    total_hits: int
    results: tuple[VectorSearchResult, ...]
