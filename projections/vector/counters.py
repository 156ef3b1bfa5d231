"""How many passages of a tenant hold a word, how many there are, and how many words are in them. In PostgreSQL.

Kept by difference, from what the changed documents held before and hold now. Common words are counted by everybody, so
it is done last in a transaction, in the order of the words: who writes at the same time waits for one that is about to
end, and never for one that waits for it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from eventstore.keys import AggregateKey
from eventstore.pool import Connection

K = TypeVar("K")

_OF_DOCUMENTS = (
    "SELECT p.tenant, p.analyser, p.length, tsvector_to_array(p.words) AS lexemes FROM {schema}.passages AS p "
    "JOIN unnest($1::text[], $2::text[]) AS k(tenant, id) ON k.tenant = p.tenant AND k.id = p.document_id"
)
_TERMS = (
    "SELECT p.tenant, w.lexeme, count(*) AS passages FROM {schema}.passages AS p "
    "CROSS JOIN LATERAL unnest(tsvector_to_array(p.words)) AS w(lexeme) GROUP BY p.tenant, w.lexeme"
)
_ANALYSERS = "SELECT tenant, analyser, count(*) AS passages FROM {schema}.passages GROUP BY tenant, analyser"
_COLLECTIONS = "SELECT tenant, count(*) AS passages, sum(length) AS length FROM {schema}.passages GROUP BY tenant"


@dataclass(frozen=True, slots=True)
class Counted:
    """By (tenant, lexeme) and by (tenant, analyser) the passages; by tenant the passages and their words."""

    terms: Counter[tuple[str, str]] = field(default_factory=Counter)
    passages: Counter[str] = field(default_factory=Counter)
    lengths: Counter[str] = field(default_factory=Counter)
    analysers: Counter[tuple[str, str]] = field(default_factory=Counter)

    def minus(self, other: "Counted") -> "Counted":
        """What has to be added to `other` for this."""
        return Counted(
            _difference(self.terms, other.terms),
            _difference(self.passages, other.passages),
            _difference(self.lengths, other.lengths),
            _difference(self.analysers, other.analysers),
        )


async def count_of(connection: Connection, schema: str, documents: Sequence[AggregateKey]) -> Counted:
    """What the passages of these documents hold now."""
    found = Counted()
    if documents:
        rows = await connection.fetch(
            _OF_DOCUMENTS.format(schema=schema),
            [key.tenant for key in documents],
            [key.aggregate_id for key in documents],
        )
        for tenant, analyser, length, lexemes in rows:
            found.terms.update([(tenant, lexeme) for lexeme in lexemes])
            found.passages[tenant] += 1
            found.lengths[tenant] += length
            found.analysers[tenant, analyser] += 1
    return found


async def add(connection: Connection, schema: str, change: Counted) -> None:
    """Count the difference in; what is held by none is forgotten."""
    tenants = sorted(change.passages.keys() | change.lengths.keys())
    if tenants:
        await connection.execute(
            f"INSERT INTO {schema}.collections AS c (tenant, passages, length) "
            "SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) ON CONFLICT (tenant) DO UPDATE "
            "SET passages = c.passages + excluded.passages, length = c.length + excluded.length",
            tenants,
            [change.passages.get(tenant, 0) for tenant in tenants],
            [change.lengths.get(tenant, 0) for tenant in tenants],
        )
        if any(count < 0 for count in change.passages.values()):
            await connection.execute(
                f"DELETE FROM {schema}.collections WHERE tenant = ANY($1) AND passages = 0 AND length = 0", tenants
            )
    await _add_by(connection, schema, "tenant_analysers", "analyser", change.analysers)
    await _add_by(connection, schema, "terms", "lexeme", change.terms)


async def _add_by(connection: Connection, schema: str, table: str, name: str, change: Counter[tuple[str, str]]) -> None:
    # By their bytes, whatever the order of the database is: one order for all writers.
    keys = sorted(change)
    if not keys:
        return
    columns = [tenant for tenant, _ in keys], [value for _, value in keys]
    await connection.execute(
        f"INSERT INTO {schema}.{table} AS t (tenant, {name}, passages) "
        f"SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) ON CONFLICT (tenant, {name}) DO UPDATE "
        "SET passages = t.passages + excluded.passages",
        *columns,
        [change[key] for key in keys],
    )
    if any(count < 0 for count in change.values()):
        await connection.execute(
            f"DELETE FROM {schema}.{table} AS t USING unnest($1::text[], $2::text[]) AS k(tenant, value) "
            f"WHERE t.tenant = k.tenant AND t.{name} = k.value AND t.passages = 0",
            *columns,
        )


async def count_all(connection: Connection, schema: str, limit_s: float) -> None:
    """Of everything, after a bulk load, where nothing is counted yet."""
    for table, query in (("terms", _TERMS), ("collections", _COLLECTIONS), ("tenant_analysers", _ANALYSERS)):
        await connection.execute(f"INSERT INTO {schema}.{table} {query.format(schema=schema)}", timeout=limit_s)


def _difference(now: Counter[K], before: Counter[K]) -> Counter[K]:
    changes = ((key, now[key] - before[key]) for key in now.keys() | before.keys())
    return Counter({key: change for key, change in changes if change})
