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

_OF = "JOIN unnest($1::text[], $2::text[]) AS k(tenant, id) ON k.tenant = p.tenant AND k.id = p.document_id"
_TERMS = (
    "SELECT p.tenant, w.lexeme, count(*) AS passages FROM {schema}.passages AS p {of} "
    "CROSS JOIN LATERAL unnest(tsvector_to_array(p.words)) AS w(lexeme) GROUP BY p.tenant, w.lexeme"
)
_COLLECTIONS = (
    "SELECT p.tenant, count(*) AS passages, sum(p.length) AS length FROM {schema}.passages AS p {of} GROUP BY p.tenant"
)


@dataclass(frozen=True, slots=True)
class Counted:
    """By (tenant, lexeme) the passages; by tenant the passages and their words."""

    terms: Counter[tuple[str, str]] = field(default_factory=Counter)
    passages: Counter[str] = field(default_factory=Counter)
    lengths: Counter[str] = field(default_factory=Counter)

    def minus(self, other: "Counted") -> "Counted":
        """What has to be added to `other` for this."""
        return Counted(
            _difference(self.terms, other.terms),
            _difference(self.passages, other.passages),
            _difference(self.lengths, other.lengths),
        )


async def count_of(connection: Connection, schema: str, documents: Sequence[AggregateKey]) -> Counted:
    """What the passages of these documents hold now."""
    found = Counted()
    if documents:
        keys = [key.tenant for key in documents], [key.aggregate_id for key in documents]
        for row in await connection.fetch(_TERMS.format(schema=schema, of=_OF), *keys):
            found.terms[row["tenant"], row["lexeme"]] = row["passages"]
        for row in await connection.fetch(_COLLECTIONS.format(schema=schema, of=_OF), *keys):
            found.passages[row["tenant"]] = row["passages"]
            found.lengths[row["tenant"]] = row["length"]
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
        await connection.execute(
            f"DELETE FROM {schema}.collections WHERE tenant = ANY($1) AND passages = 0 AND length = 0", tenants
        )
    # By their bytes, whatever the order of the database is: one order for all writers.
    terms = sorted(change.terms)
    if terms:
        columns = [tenant for tenant, _ in terms], [lexeme for _, lexeme in terms]
        await connection.execute(
            f"INSERT INTO {schema}.terms AS t (tenant, lexeme, passages) "
            "SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) ON CONFLICT (tenant, lexeme) DO UPDATE "
            "SET passages = t.passages + excluded.passages",
            *columns,
            [change.terms[term] for term in terms],
        )
        if any(count < 0 for count in change.terms.values()):
            await connection.execute(
                f"DELETE FROM {schema}.terms AS t USING unnest($1::text[], $2::text[]) AS k(tenant, lexeme) "
                "WHERE t.tenant = k.tenant AND t.lexeme = k.lexeme AND t.passages = 0",
                *columns,
            )


async def count_all(connection: Connection, schema: str, limit_s: float) -> None:
    """Of everything, after a bulk load, where nothing is counted yet."""
    for table, query in (("terms", _TERMS), ("collections", _COLLECTIONS)):
        await connection.execute(f"INSERT INTO {schema}.{table} {query.format(schema=schema, of='')}", timeout=limit_s)


def _difference(now: Counter[K], before: Counter[K]) -> Counter[K]:
    changes = ((key, now[key] - before[key]) for key in now.keys() | before.keys())
    return Counter({key: change for key, change in changes if change})
