"""Is the live read model what its events say? Built again beside it, and compared row by row."""

from dataclasses import dataclass

import asyncpg

from contracts.envelope import DomainEvent
from contracts.topics import Topics
from eventstore.keys import AggregateKey
from eventstore.pool import Connection, transaction
from eventstore.reader import EventReader
from projections.changes import ReadModel
from projections.generation import PostgresGeneration
from projections.postgres import Layout, compared
from projections.replay import Report, build, everywhere


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison found. `difference` names the first one; None means that both are the same."""

    name: str
    position: int
    rows: int
    digest: str
    difference: str | None


async def verify(
    model: ReadModel,
    layout: Layout,
    generation: PostgresGeneration,
    pool: asyncpg.Pool,
    reader: EventReader,
    topics: Topics,
    report: Report,
) -> Verdict:
    """Compare the live read model, as it is at this moment, with one built from the same events.

    Events count up to the live model's position, and beyond it where it has them already: an event that the live one
    passed over shows, one that is still on its way does not. Raises UnfoldableEvent, StoreUnavailable.
    """
    live = layout.name
    async with transaction(pool, isolation="repeatable_read", readonly=True) as snapshot:
        await snapshot.execute("SET LOCAL statement_timeout = 0")
        rows = await snapshot.fetch(f"SELECT tenant, kind, aggregate_id, version FROM {live}.versions")
        versions = {AggregateKey(row["tenant"], row["kind"], row["aggregate_id"]): row["version"] for row in rows}
        # While a partition was never heard of, nothing can be said to be passed over.
        position = await snapshot.fetchval(
            f"SELECT CASE WHEN count(*) >= $1 THEN min(position) ELSE 0 END FROM {live}.positions",
            len(everywhere(model, topics, 0)),
        )

        def wanted(event: DomainEvent) -> bool:
            assert event.position is not None
            key = AggregateKey(event.tenant, event.kind, event.aggregate_id)
            return event.position <= int(position) or event.aggregate_version <= versions.get(key, 0)

        try:
            count = await build(model, generation, reader, up_to=await reader.head(), report=report, wanted=wanted)
            await generation.finish({})
            digests = []
            for table in compared(layout):
                digest, difference = await _compare(snapshot, pool, live, generation.store.schema, table.name)
                digests.append(digest)
                if difference is not None:
                    return Verdict(live, position, count, "", difference)
            return Verdict(live, position, count, "-".join(digests), None)
        finally:
            await generation.discard()


async def _compare(
    snapshot: Connection, pool: asyncpg.Pool, live: str, rebuilt: str, table: str
) -> tuple[str, str | None]:
    """Digest of a table (number of rows, sum of their hashes), and the first difference by the rows' text."""
    digest = (
        "SELECT count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {schema}.{table} AS t"
    )
    # Searching for a difference needs both in one view; the snapshot cannot see what was built after it began.
    async with transaction(pool, isolation="repeatable_read", readonly=True) as fresh:
        await fresh.execute("SET LOCAL statement_timeout = 0")
        found = str(await snapshot.fetchval(digest.format(schema=live, table=table), timeout=3600))
        wanted = str(await fresh.fetchval(digest.format(schema=rebuilt, table=table), timeout=3600))
        if found == wanted:
            return found, None
        ordered = 'SELECT t::text AS row FROM {schema}.{table} AS t ORDER BY t::text COLLATE "C"'
        has = snapshot.cursor(ordered.format(schema=live, table=table), prefetch=500)
        should = fresh.cursor(ordered.format(schema=rebuilt, table=table), prefetch=500)
        has_rows, should_rows = aiter(has), aiter(should)
        number = 0
        while True:
            number += 1
            one = await anext(has_rows, None)
            other = await anext(should_rows, None)
            if one is None and other is None:
                return found, f"{live}.{table}: digests differ, rows do not; tell us"
            if one is None or other is None or one["row"] != other["row"]:
                return found, (
                    f"{live}.{table}, row {number} in order: live has {_shown(one)}, the events say {_shown(other)}"
                )


def _shown(row: asyncpg.Record | None) -> str:
    if row is None:
        return "nothing more"
    text = str(row["row"])
    return text if len(text) <= 300 else text[:300] + "..."
