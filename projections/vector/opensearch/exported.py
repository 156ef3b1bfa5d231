"""The vector read model in OpenSearch as a table of passages."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from opensearchpy import AsyncOpenSearch

from projections.exported import BATCH_ROWS, Batch, ExportedTable, OpenedTable
from projections.vector.exported import PASSAGES
from projections.vector.opensearch.client import search
from projections.vector.opensearch.index import NAME, field
from projections.vector.opensearch.snapshot import pages, snapshot

_ORDER = ("document_id", "chunk_id")
_FIELDS = [one.name for one in PASSAGES.columns if one.kind != "vector"]


class OpenSearchTables:
    """Implements `projections.exported.TableReader` over the generation that the alias `name` stands for."""

    def __init__(self, client: AsyncOpenSearch, name: str = NAME) -> None:
        self._client = client
        self._alias = name

    @property
    def tables(self) -> Sequence[ExportedTable]:
        """Passages."""
        return (PASSAGES,)

    @contextlib.asynccontextmanager
    async def opened(self, tenant: str, names: Sequence[str]) -> AsyncIterator[Sequence[OpenedTable]]:
        """At a point in time. Raises StoreUnavailableError, ReadModelReplacedError."""
        async with snapshot(self._client, self._alias) as taken:
            query = {"query": {"bool": {"filter": [{"term": {"what": "passage"}}, {"term": {"tenant": tenant}}]}}}
            counting = {**taken.at, **query, "size": 0, "track_total_hits": True}
            rows = int((await search(self._client, None, counting))["hits"]["total"]["value"])
            batches = self._batches(taken.at, query)
            yield [OpenedTable(PASSAGES, rows, batches)] if PASSAGES.name in names else []

    async def _batches(self, at: dict[str, Any], query: dict[str, Any]) -> AsyncIterator[Batch]:
        batch: list[list[Any]] = []
        async for source in pages(self._client, at, query, _ORDER):
            size = source["dimension"]
            batch.append([*(source[name] for name in _FIELDS), source.get(field(size), [0.0] * size)])
            if len(batch) == BATCH_ROWS:
                yield batch
                batch = []
        if batch:
            yield batch
