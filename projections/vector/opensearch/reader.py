"""Searches over the live generation in OpenSearch: k-NN for meaning, BM25 for words."""

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Any

import numpy as np
from opensearchpy import AsyncOpenSearch

from projections.postgres.consistent_read import retry_replaced
from projections.vector.opensearch.client import by_id, search, term_vectors
from projections.vector.opensearch.full_text import full_text, ranked_by
from projections.vector.opensearch.index import NAME, OTHERS, field, passage_id, words_field
from projections.vector.opensearch.snapshot import pages, point_in_time
from projections.vector.opensearch.store import version_of
from projections.vector.opensearch.vectors import VectorSearchQuery, VectorSearchResponse, VectorSearchResult
from projections.vector.reads import Frequencies, Hit, Passage, Vector
from projections.vector.spelling import ENGLISH, spelled
from projections.vector.text_query import TextQuery

MOST = 10_000
"""More than OpenSearch gives for one search."""

BEST_FIRST = ({"_score": "desc"}, {"chunk_id": "asc"})
"""Of passages that are alike, too, the same ones are given every time."""

_FIELDS = ["chunk_id", "document_id", "title", "text", "start_at", "end_at"]


class OpenSearchPassages:
    """Implements `projections.vector.reads.PassageReader` over the live generation, or the one behind another alias."""

    def __init__(self, client: AsyncOpenSearch, name: str = NAME) -> None:
        self._client = client
        self._alias = name

    @property
    def most_dimensions(self) -> int:
        """OpenSearch's limit of a knn_vector."""
        return 16_000

    async def content_tag(self, tenant: str) -> str:
        """Changes whenever the tenant's passages change."""
        return await version_of(self._client, self._alias, tenant)

    async def nearest(
        self,
        tenant: str,
        model: str,
        vector: Vector,
        k: int,
        documents: Sequence[str] | None = None,
        collections: Collection[str] | None = None,
    ) -> list[Hit]:
        """By cosine similarity, best first; 2k candidates are looked at."""
        query = VectorSearchQuery(model, vector, k, documents=documents, collections=collections)
        found = await self.search_vectors(tenant, query)
        return [Hit(result.id, result.score) for result in found.results]

    async def compared(self, tenant: str, model: str, vector: Vector, chunk_ids: Sequence[str]) -> list[Hit]:
        """Lucene compares all that are allowed where these are no more than it is asked for."""
        query = VectorSearchQuery(model, vector, len(chunk_ids), chunk_ids=chunk_ids)
        found = await self.search_vectors(tenant, query)
        return [Hit(result.id, result.score) for result in found.results]

    async def search_vectors(self, tenant: str, query: VectorSearchQuery) -> VectorSearchResponse:
        """By cosine similarity, best first; 2k candidates are looked at. Raises StoreUnavailableError."""
        size = min(query.k, MOST)
        if size < 1:
            return VectorSearchResponse(0, 0, ())
        allowed: list[dict[str, Any]] = [{"term": {"tenant": tenant}}, {"term": {"model": query.model}}]
        allowed += _within(query.documents, query.collections)
        if query.chunk_ids is not None:
            allowed.append({"terms": {"chunk_id": list(query.chunk_ids)}})
        nearest = {
            "vector": np.asarray(query.query_vector, dtype=float).tolist(),
            "k": size,
            # Within the search of the graph, so that k of those that are allowed are found.
            "filter": {"bool": {"filter": allowed}},
            "method_parameters": {"ef_search": 2 * size},
            # Nobody may have written a vector of this dimension yet.
            "ignore_unmapped": True,
        }
        body = {
            "query": {"knn": {field(len(query.query_vector)): nearest}},
            "size": size,
            "_source": sorted({"chunk_id", *query.source_fields}),
            "track_total_hits": True,
        }
        found = await search(self._client, self._alias, body)
        results = (_result(hit, query.source_fields) for hit in found["hits"]["hits"])
        return VectorSearchResponse(
            took=found["took"],
            total_hits=found["hits"]["total"]["value"],
            results=tuple(sorted(results, key=lambda result: (-result.score, result.id))),
        )

    async def models(self, tenant: str | None = None) -> dict[str, int]:
        """Revisions of the embedders, each with the number of its passages."""
        wanted = [{"term": {"what": "passage"}}, *([{"term": {"tenant": tenant}}] if tenant is not None else [])]
        by_model = {"models": {"terms": {"field": "model", "size": MOST}}}
        found = await search(
            self._client, self._alias, {"query": {"bool": {"filter": wanted}}, "size": 0, "aggs": by_model}
        )
        return {bucket["key"]: bucket["doc_count"] for bucket in found["aggregations"]["models"]["buckets"]}

    async def matching(
        self,
        tenant: str,
        query: str,
        k: int,
        documents: Sequence[str] | None = None,
        collections: Collection[str] | None = None,
    ) -> list[Hit]:
        """By BM25, best first.

        Searched is one text, the title twice before the passage, so a title's word counts twice in frequency and in
        length, as in PostgreSQL; boosting a field of its own would add two scores with two lengths. Lucene keeps the
        length in one byte.
        """
        allowed = [{"term": {"tenant": tenant}}, *_within(documents, collections)]
        own = {"bool": {"must": ranked_by(tenant, query, await self._analysers(tenant)), "filter": allowed}}
        return await self._hits(own, min(k, MOST))

    async def full_text(
        self, tenant: str, query: TextQuery, k: int, documents: Sequence[str] | None = None
    ) -> list[Hit]:
        """Those that pass, by BM25, best first."""
        return await self._hits(
            full_text(tenant, query, documents, await self._analysers(tenant)), min(k, MOST), sort=BEST_FIRST
        )

    async def frequencies(self, tenant: str, words: Sequence[str]) -> Frequencies:
        """As Lucene counts them: what was replaced or deleted until its segment is merged, and the passages of other
        tenants that share the field, too."""
        analysers = await self._analysers(tenant)
        asked = [spelled(word) for word in words]
        text = "\n".join(asked)
        fields = [words_field(tenant, analyser) for analyser in analysers]
        of: dict[str, dict[str, str]] = {}
        for holder, name in fields:
            of.setdefault(holder, {})[name] = text
        counted = await term_vectors(
            self._client,
            self._alias,
            {
                "doc": of,
                "fields": [".".join(one) for one in fields],
                "term_statistics": True,
                "positions": False,
                "payloads": False,
            },
        )
        passages = 0
        holding: dict[str, int] = {}
        for one in fields:
            found = counted.get("term_vectors", {}).get(".".join(one))
            if found is None:
                continue
            passages += max(0, found["field_statistics"]["doc_count"])
            at = {
                token["start_offset"]: term.get("doc_freq", 0)
                for term in found["terms"].values()
                for token in term["tokens"]
            }
            starts = accumulate((len(word) + 1 for word in asked), initial=0)
            for word, spelling, start in zip(words, asked, starts, strict=False):
                counts = [at[offset] for offset in range(start, start + len(spelling)) if offset in at]
                if counts:
                    holding[word] = max(min(counts), holding.get(word, 0))
        return Frequencies(passages, holding)

    async def _analysers(self, tenant: str) -> list[str]:
        """By which the tenant's passages are read; English where there are none."""
        wanted = [{"term": {"what": "passage"}}, {"term": {"tenant": tenant}}]
        by = {"analysers": {"terms": {"field": "analyser", "size": len(OTHERS) + 1}}}
        found = await search(self._client, self._alias, {"query": {"bool": {"filter": wanted}}, "size": 0, "aggs": by})
        return sorted(bucket["key"] for bucket in found["aggregations"]["analysers"]["buckets"]) or [ENGLISH]

    async def passages(
        self, tenant: str, chunk_ids: Sequence[str], collections: Collection[str] | None = None
    ) -> dict[str, Passage]:
        """By chunk id."""
        ids = list(dict.fromkeys(passage_id(tenant, chunk_id) for chunk_id in chunk_ids))
        found = await by_id(self._client, self._alias, ids, [*_FIELDS, "collection"], seen=True)
        return {
            source["chunk_id"]: _passage(source)
            for source in found.values()
            if collections is None or source["collection"] in collections
        }

    @retry_replaced
    async def of_document(self, tenant: str, document_id: str) -> list[Passage]:
        """A document's passages, in their order."""
        sources = await self._all([{"term": {"tenant": tenant}}, {"term": {"document_id": document_id}}])
        return [_passage(source) for source in sorted(sources, key=itemgetter("index"))]

    @retry_replaced
    async def all_passages(self, tenant: str) -> list[Passage]:
        """Every passage of the tenant at one moment, by chunk id."""
        return [_passage(source) for source in await self._all([{"term": {"tenant": tenant}}])]

    async def _all(self, wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        own = {"bool": {"filter": [{"term": {"what": "passage"}}, *wanted]}}
        async with point_in_time(self._client, self._alias) as at:
            body = {"query": own, "_source": [*_FIELDS, "index"]}
            return [source async for source in pages(self._client, at, body, ("chunk_id",))]

    async def _hits(
        self, query: Mapping[str, Any], size: int, sort: Sequence[Mapping[str, str]] = ({"_score": "desc"},)
    ) -> list[Hit]:
        if size < 1:
            return []
        found = await search(
            self._client,
            self._alias,
            {"query": query, "size": size, "sort": sort, "_source": ["chunk_id"], "track_total_hits": False},
        )
        hits = [Hit(hit["_source"]["chunk_id"], hit["_score"]) for hit in found["hits"]["hits"]]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))


def _within(documents: Sequence[str] | None, collections: Collection[str] | None) -> list[dict[str, Any]]:
    """What a search is kept to, for its filter."""
    limits = (("document_id", documents), ("collection", collections))
    return [{"terms": {name: list(wanted)}} for name, wanted in limits if wanted is not None]


def _result(hit: Mapping[str, Any], fields: Sequence[str]) -> VectorSearchResult:
    """OpenSearch gives (1 + cosine) / 2, so that no score is negative."""
    source = hit["_source"]
    chosen = {name: source[name] for name in fields if name in source}
    return VectorSearchResult(source["chunk_id"], 2 * hit["_score"] - 1, chosen)


def _passage(source: Mapping[str, Any]) -> Passage:
    return Passage(*(source[name] for name in _FIELDS))
