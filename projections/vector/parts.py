"""Parts of the table of passages: a tenant of many has one to itself, with its own indexes of vectors and of words.

All others share a part without an index of vectors: each of them has so few passages that a search compares them all,
and so loses nothing to the tenants beside it. A tenant that outgrows that moves once, and stays where it is.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from eventstore.pool import Connection
from projections.postgres.snapshot import LIMIT_S
from projections.vector.model import LAYOUT

FEW_PASSAGES = 5_000
"""A tenant of so many has each of them compared with a question."""

USUAL_MEMORY_MB = 512
"""For building an index, whatever its size."""
BYTES_OF_NUMBER, BYTES_OF_NODE = 2, 800
"""Of a vector's, and what a node of the graph takes besides, while the index is built: neighbours on its levels."""

_SHARED = "passages_shared"
_COLUMNS = ", ".join(LAYOUT.table("passages").columns)


def _part_name(tenant: str) -> str:
    """A name of its own for any tenant, which a table can have."""
    return f"passages_{sha256(tenant.encode()).hexdigest()[:32]}"


async def part_of(connection: Connection, schema: str, tenant: str) -> str | None:
    """The table of a tenant that has one to itself."""
    name = _part_name(tenant)
    return name if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{schema}.{name}") else None


async def few(connection: Connection, schema: str, tenant: str) -> bool:
    """Whether all passages of a tenant are to be compared with a question."""
    passages = await connection.fetchval(f"SELECT passages FROM {schema}.collections WHERE tenant = $1", tenant)
    return (passages or 0) <= FEW_PASSAGES


async def outgrown(connection: Connection, schema: str, tenants: Iterable[str]) -> list[str]:
    """Those of these tenants that have more than FEW_PASSAGES and no part to themselves."""
    given = sorted(tenants)
    rows = await connection.fetch(
        f"SELECT c.tenant FROM {schema}.collections AS c "
        "JOIN unnest($1::text[], $2::text[]) AS t(tenant, part) ON t.tenant = c.tenant "
        "WHERE c.passages > $3 AND to_regclass(t.part) IS NULL ORDER BY c.tenant",
        given,
        [f"{schema}.{_part_name(tenant)}" for tenant in given],
        FEW_PASSAGES,
    )
    return [row["tenant"] for row in rows]


async def large(connection: Connection, schema: str) -> list[str]:
    """Tenants that have more than FEW_PASSAGES."""
    rows = await connection.fetch(
        f"SELECT tenant FROM {schema}.collections WHERE passages > $1 ORDER BY tenant", FEW_PASSAGES
    )
    return [row["tenant"] for row in rows]


async def split(connection: Connection, schema: str, tenant: str) -> None:
    """Give a tenant a part to itself, within a transaction and while nobody writes; nothing where it has one.

    Who reads the shared part waits only from the moment that the rows leave it.
    """
    if await part_of(connection, schema, tenant) is not None:
        return
    part, of = f"{schema}.{_part_name(tenant)}", f"FROM {schema}.{_SHARED} WHERE tenant = $1"
    attach = await connection.fetchval(
        f"SELECT format('ALTER TABLE {schema}.passages ATTACH PARTITION {part} FOR VALUES IN (%L)', $1::text)", tenant
    )
    await connection.execute(f"CREATE TABLE {part} (LIKE {schema}.passages INCLUDING ALL)")
    await connection.execute(f"INSERT INTO {part} ({_COLUMNS}) SELECT {_COLUMNS} {of}", tenant, timeout=LIMIT_S)
    await connection.execute(f"DELETE {of}", tenant, timeout=LIMIT_S)
    await connection.execute(attach, timeout=LIMIT_S)


async def index_part(
    connection: Connection, schema: str, part: str, dimensions: Mapping[int, int], memory_mb: int = USUAL_MEMORY_MB
) -> None:
    """An HNSW index of a part's vectors of each of these dimensions, given with their number, where there is none.

    Within a transaction. A graph that does not fit into `memory_mb` is built on disk, many times as slowly.
    """
    for size, vectors in sorted(dimensions.items()):
        needed = vectors * (BYTES_OF_NUMBER * size + BYTES_OF_NODE) // (1 << 20)
        memory = min(memory_mb, max(USUAL_MEMORY_MB, needed))
        # Workers that share in it are worth it from the first megabytes on.
        await connection.execute(
            f"SET LOCAL maintenance_work_mem = '{memory}MB'; SET LOCAL min_parallel_table_scan_size = DEFAULT"
        )
        await connection.execute(
            f"CREATE INDEX IF NOT EXISTS {part}_{size} ON {schema}.{part} USING hnsw "
            f"((embedding::public.halfvec({size})) public.halfvec_cosine_ops) WHERE dimension = {size}",
            timeout=LIMIT_S,
        )


async def index_parts(connection: Connection, schema: str, memory_mb: int) -> None:
    """The same of every part that a tenant has to itself, for the vectors that are there."""
    rows = await connection.fetch(
        "SELECT c.relname::text AS name FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid "
        f"WHERE i.inhparent = '{schema}.passages'::regclass AND c.relname <> '{_SHARED}' ORDER BY c.relname"
    )
    for row in rows:
        await index_part(
            connection, schema, row["name"], await dimensions_of(connection, schema, row["name"]), memory_mb
        )


async def dimensions_of(connection: Connection, schema: str, part: str) -> dict[int, int]:
    """Of the vectors in a part, each with how many there are."""
    rows = await connection.fetch(
        f"SELECT dimension, count(*) AS vectors FROM {schema}.{part} GROUP BY dimension", timeout=LIMIT_S
    )
    return {row["dimension"]: row["vectors"] for row in rows}


class Loaded:
    """How many passages each tenant has in a generation that is being loaded, until it has a part to itself."""

    def __init__(self, passages: Mapping[str, int] | None = None) -> None:
        self._passages: Counter[str] = Counter(passages or {})
        self._split: set[str] = set()

    def outgrown(self, tenants: Iterable[str]) -> Sequence[str]:
        """Those that outgrow the shared part with one more passage for each of these names; each is told once."""
        self._passages.update(tenant for tenant in tenants if tenant not in self._split)
        found = sorted(tenant for tenant, count in self._passages.items() if count > FEW_PASSAGES)
        self._split.update(found)
        for tenant in found:
            del self._passages[tenant]
        return found
