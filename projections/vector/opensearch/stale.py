"""Away with passages that an older version of their aggregate left behind."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from opensearchpy import AsyncOpenSearch

from eventstore.errors import StoreUnavailableError
from projections.vector.opensearch.bulk import write_bulk
from projections.vector.opensearch.client import BULK_LIMIT_S, by_id, faults, search

DEAD_AFTER_S = 600.0
"""A writer whose mark is older than this does not come back."""

# Lucene takes 1,024 clauses in a query; one group of aggregates is two.
GROUPS = 400


class Found(NamedTuple):
    """What is known of one aggregate: its version, and the version that wrote its passages."""

    tenant: str
    version: int
    passages_at: int


async def known(client: AsyncOpenSearch, index: str, owners: Sequence[str]) -> dict[str, Found]:
    """By owner, those that are there, seen or not yet. Raises StoreUnavailableError, ReadModelReplacedError."""
    found = await by_id(client, index, owners, Found._fields, seen=False)
    return {owner: Found(**fields) for owner, fields in found.items()}


async def refresh(client: AsyncOpenSearch, index: str) -> None:
    """Show what was written so far. Raises StoreUnavailableError, ReadModelReplacedError."""
    with faults():
        await client.indices.refresh(index=index)


async def delete_older(client: AsyncOpenSearch, index: str, limits: Mapping[str, int], *, seen: bool = False) -> int:
    """Delete each owner's passages older than its limit; returns how many. `seen`: show it at once."""
    groups: dict[int, list[str]] = {}
    for owner, limit in limits.items():
        groups.setdefault(limit, []).append(owner)
    deleted = 0
    ordered = sorted(groups.items())
    for start in range(0, len(ordered), GROUPS):
        older = [
            {"bool": {"filter": [{"terms": {"owner": owners}}, {"range": {"aggregate_version": {"lt": limit}}}]}}
            for limit, owners in ordered[start : start + GROUPS]
        ]
        with faults():
            answer = await client.delete_by_query(
                index=index,
                body={"query": {"bool": {"filter": [{"term": {"what": "passage"}}], "should": older,
                                         "minimum_should_match": 1}}},
                # A conflict is a passage that a newer version has written since: it stays.
                params={
                    "conflicts": "proceed",
                    "refresh": "true" if seen else "false",
                    "request_timeout": BULK_LIMIT_S,
                },
            )  # fmt: skip
        if answer["failures"]:
            raise StoreUnavailableError(f"OpenSearch could not delete passages: {answer['failures'][0]}")
        deleted += answer["deleted"]
    return deleted


async def delete_stale(client: AsyncOpenSearch, index: str, owners: Iterable[str]) -> None:
    """Delete leftovers of these aggregates, and give their tenants' content a new name where there were any."""
    found = await known(client, index, sorted(owners))
    await refresh(client, index)
    if await delete_older(client, index, {owner: one.passages_at for owner, one in found.items()}, seen=True):
        tenants = {one.tenant for one in found.values()}
        touched = [
            ({"index": {"_id": f"touched/{tenant}"}}, {"what": "touched", "tenant": tenant}) for tenant in tenants
        ]
        await write_bulk(client, index, touched, refresh=True)


async def recover(client: AsyncOpenSearch, index: str) -> None:
    """Delete what writers that did not finish left; forget dead ones. Does no harm to one at work."""
    await refresh(client, index)
    found = await search(client, index, {"query": {"term": {"what": "write"}}, "size": 1000})
    writes = found["hits"]["hits"]
    if writes:
        await delete_stale(client, index, {owner for write in writes for owner in write["_source"]["owners"]})
        old = time.time() - DEAD_AFTER_S
        dead = [({"delete": {"_id": write["_id"]}}, None) for write in writes if write["_source"]["at"] < old]
        await write_bulk(client, index, dead, refresh=True)
