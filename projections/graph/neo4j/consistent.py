"""Reads of several queries that see one content, without holding up a writer.

Neo4j has no snapshot over several queries. A writer gives the content a new tag in the transaction that changes it, so
a reader looks at the tag before and after: when it is the same, nothing was written between. A transaction that commits
becomes visible bit by bit, though, so both looks wait for the writers that are at work to end. They do so in
transactions that the server ends by itself: a reader that is stopped holds nothing.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from eventstore.errors import StoreUnavailableError
from projections.errors import ReadModelReplacedError
from projections.graph.neo4j.connection import Neo4jDriver, alone
from projections.graph.neo4j.turns import wait_for_writers

LOOKS = 50
"""Waits for a quiet look: each lasts as long as a write, so more writers follow one another than there are."""

_TAG = """
MATCH (m:ReadModel {name: $name})
OPTIONAL MATCH (s:State {generation: m.generation, tenant: $tenant})
RETURN m.generation AS generation, CASE WHEN $tenant IS NULL
    THEN COLLECT { MATCH (t:Turn {name: $name}) RETURN t.tag ORDER BY t.slot } ELSE s.changed END AS tag
"""


class ContentTag(NamedTuple):
    """The generation that a name stands for, and what changes with its content, or a tenant's."""

    generation: str
    tag: str


@contextlib.asynccontextmanager
async def consistent_read(driver: Neo4jDriver, name: str, tenant: str | None = None) -> AsyncIterator[str]:
    """The generation to read, of which one tenant's content, or all, stays the same for the length of the block.

    Raises ReadModelReplacedError at its end where it did not: what was read is of no use. Raises StoreUnavailableError.
    """
    before = await visible_content(driver, name, tenant)
    yield before.generation
    await wait_for_writers(driver, name)
    if await _tag(driver, name, tenant) != before:
        raise ReadModelReplacedError("the graph was written while it was read; the same call may be tried again")


async def visible_content(driver: Neo4jDriver, name: str, tenant: str | None) -> ContentTag:
    """A tag all of whose content is visible: it was there before the wait for a writer, and is still there after it.

    Raises ReadModelReplacedError where the content changes without a pause, StoreUnavailableError.
    """
    tag = await _tag(driver, name, tenant)
    for _ in range(LOOKS):
        await wait_for_writers(driver, name)
        before, tag = tag, await _tag(driver, name, tenant)
        if tag == before:
            return tag
    raise ReadModelReplacedError("the graph is written without a pause; the same call may be tried again")


async def _tag(driver: Neo4jDriver, name: str, tenant: str | None) -> ContentTag:
    rows = await alone(driver, _TAG, name=name, tenant=tenant)
    if not rows:
        raise StoreUnavailableError(f"Neo4j holds no read model {name!r}; run: annals replay graph")
    return ContentTag(str(rows[0]["generation"]), str(rows[0]["tag"]))
