"""The vector read model in OpenSearch at one point in time."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from opensearchpy import AsyncOpenSearch

from contracts.event_types import AggregateKind
from eventstore.keys import AggregateKey
from projections.vector.model import LAYOUT
from projections.vector.opensearch.client import faults, search
from projections.vector.opensearch.documents import passage_text, version_text
from projections.vector.opensearch.stale import DEAD_AFTER_S

PAGE = 1000
KEEP = "5m"
"""How long the server keeps the point in time from one page to the next."""

WAITS = 20
WAIT_S = 0.1

_PARTS: dict[str, tuple[str, tuple[str, ...], Callable[[Mapping[str, Any]], str]]] = {
    "passages": ("passage", ("tenant", "chunk_id"), passage_text),
    "versions": ("version", ("tenant", "kind", "aggregate_id"), version_text),
}
# What is counted is PostgreSQL's own.
assert tuple(_PARTS) == tuple(name for name in LAYOUT.compared if name not in LAYOUT.counted)


class OpenSearchSnapshot:
    """Implements `projections.store.Snapshot`. Methods raise StoreUnavailableError."""

    def __init__(self, client: AsyncOpenSearch, pit: str) -> None:
        self._client = client
        self.at = {"pit": {"id": pit, "keep_alive": KEEP}}

    async def versions(self) -> dict[AggregateKey, int]:
        """Up to which version each aggregate is there."""
        found: dict[AggregateKey, int] = {}
        async for one in self._sources("versions"):
            kind: AggregateKind = one["kind"]
            found[AggregateKey(one["tenant"], kind, one["aggregate_id"])] = one["version"]
        return found

    async def positions(self) -> dict[tuple[str, int], int]:
        """How far it is in each partition."""
        return await positions(self._client, None, self.at)

    async def digests(self) -> dict[str, str]:
        """For each part the number of its rows and a hash of them in their fixed order."""
        return {part: await self._digest(part) for part in _PARTS}

    async def rows(self, part: str) -> AsyncIterator[str]:
        """The rows of one part as text, by tenant and id."""
        text = _PARTS[part][2]
        async for source in self._sources(part):
            yield text(source)

    async def _digest(self, part: str) -> str:
        count, sum_of = 0, hashlib.sha256()
        async for row in self.rows(part):
            count += 1
            sum_of.update(row.encode() + b"\n")
        return f"{count}:{sum_of.hexdigest()}"

    def _sources(self, part: str) -> AsyncIterator[dict[str, Any]]:
        what, order, _ = _PARTS[part]
        return pages(self._client, self.at, {"query": {"term": {"what": what}}}, order)


async def pages(
    client: AsyncOpenSearch, at: Mapping[str, Any], body: Mapping[str, Any], order: tuple[str, ...]
) -> AsyncIterator[dict[str, Any]]:
    """The sources of everything that a query finds at a point in time, in order.

    Raises StoreUnavailableError, ReadModelReplacedError.
    """
    request = {**at, **body, "sort": [{name: "asc"} for name in order], "size": PAGE, "track_total_hits": False}
    while hits := (await search(client, None, request))["hits"]["hits"]:
        for hit in hits:
            yield hit["_source"]
        if len(hits) < PAGE:
            return
        request["search_after"] = hits[-1]["sort"]


async def positions(client: AsyncOpenSearch, index: str | None, at: Mapping[str, Any]) -> dict[tuple[str, int], int]:
    """How far a generation is in each partition, now or at a point in time."""
    found = await search(client, index, {**at, "query": {"term": {"what": "position"}}, "size": 10_000})
    return {
        (one["topic"], one["partition"]): one["position"] for one in (hit["_source"] for hit in found["hits"]["hits"])
    }


@contextlib.asynccontextmanager
async def point_in_time(client: AsyncOpenSearch, alias: str) -> AsyncIterator[dict[str, Any]]:
    """What a search's body needs to see this moment. Raises StoreUnavailableError, ReadModelReplacedError."""
    with faults():
        pit = (await client.create_pit(index=alias, params={"keep_alive": KEEP}))["pit_id"]
    try:
        yield {"pit": {"id": pit, "keep_alive": KEEP}}
    finally:
        with faults():
            await client.delete_pit(body={"pit_id": [pit]})


@contextlib.asynccontextmanager
async def snapshot(client: AsyncOpenSearch, alias: str) -> AsyncIterator[OpenSearchSnapshot]:
    """A moment between writes, where there is one: another writer's refresh may show half of a write.

    What a dead writer left is waited for two seconds, and is then a difference like any other.
    """
    for _ in range(WAITS):
        async with point_in_time(client, alias) as at:
            if not await _writing(client, at):
                yield OpenSearchSnapshot(client, at["pit"]["id"])
                return
        await asyncio.sleep(WAIT_S)
    async with point_in_time(client, alias) as at:
        yield OpenSearchSnapshot(client, at["pit"]["id"])


async def _writing(client: AsyncOpenSearch, at: Mapping[str, Any]) -> bool:
    alive = [{"term": {"what": "write"}}, {"range": {"at": {"gt": time.time() - DEAD_AFTER_S}}}]
    found = await search(client, None, {**at, "query": {"bool": {"filter": alive}}, "size": 0})
    return bool(found["hits"]["total"]["value"])
