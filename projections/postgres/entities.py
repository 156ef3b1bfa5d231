"""Entities in PostgreSQL, as they follow from what documents say and what people decided.

One row for each entity that a document names or a person decided on. The most frequent name wins, in a tie the first by
its bytes; what a person decided comes before that. How often an entity has which name and type is kept in the table
`entity_names`, and its counts in its own row; both are kept by difference, from what changed documents said before and
say now. So a write costs what its own documents name, however often the others name the same.

Writers side by side lock the entities that they share, in the order of their keys, before they read its names.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

import asyncpg

from eventstore.pool import Connection
from projections.changes import Change
from projections.postgres.layout import Count, Layout

EntityKey = tuple[str, str]
"""Tenant and entity id."""
NameKey = tuple[str, str, str, str]
"""Tenant, entity id, name, type; an empty type where the rows say none."""
_Said = tuple[EntityKey, str, str, str, str]
"""Of a row: entity, name, type, document, chunk."""

_KEYS = "unnest($1::text[], $2::text[]) AS k(tenant, entity_id)"


@dataclass(frozen=True)
class Naming:
    """What rows say of entities: how often each has which name and type, and its counts in the layout's order."""

    times: Counter[NameKey] = field(default_factory=Counter)
    counts: dict[EntityKey, tuple[int, ...]] = field(default_factory=dict)


async def said(connection: Connection, layout: Layout, schema: str, changes: Sequence[Change]) -> tuple[Naming, Naming]:
    """What the rows of these documents say, and what they will say with their new sections."""
    old = [change.key for change in changes if change.previous]
    kept: list[_Said] = []
    gone: list[_Said] = []
    if old:
        replaced = {(change.key.tenant, change.key.aggregate_id): change.sections for change in changes}
        rows = await connection.fetch(
            _naming_rows(layout, schema, of_documents=True),
            [key.tenant for key in old],
            [key.aggregate_id for key in old],
        )
        for table, tenant, entity, name, kind, document, chunk in map(tuple, rows):
            own = gone if table in replaced[tenant, document] else kept
            own.append(((tenant, entity), name, kind, document, chunk))
    return _naming(layout, [*kept, *gone]), _naming(layout, [*kept, *_new(layout, changes)])


def _new(layout: Layout, changes: Sequence[Change]) -> Iterator[_Said]:
    for one in layout.names:
        columns = layout.table(one.table).columns
        entity, name, document, chunk = map(columns.index, (one.id, one.name, "document_id", "chunk_id"))
        kind = None if one.type is None else columns.index(one.type)
        for change in changes:
            for row in change.sections.get(one.table, ()):
                yield (row[0], row[entity]), row[name], "" if kind is None else row[kind], row[document], row[chunk]


def _naming(layout: Layout, rows: Sequence[_Said]) -> Naming:
    times: Counter[NameKey] = Counter()
    for (tenant, entity), name, kind, _, _ in rows:
        times[tenant, entity, name, kind] += 1
    counts = [_counted(how, rows) for how in layout.counts.values()]
    return Naming(times, {key: tuple(own[key] for own in counts) for key in {row[0] for row in rows}})


def _counted(how: Count, rows: Sequence[_Said]) -> Counter[EntityKey]:
    """As the SQL of the same count does."""
    match how:
        case Count.TYPED_ROWS:
            typed: Counter[EntityKey] = Counter()
            for key, _, kind, _, _ in rows:
                typed[key] += bool(kind)
            return typed
        case Count.DOCUMENTS:
            return Counter(key for key, _ in {(row[0], row[3]) for row in rows})
        case Count.CHUNKS:
            return Counter(key for key, _ in {(row[0], row[4]) for row in rows})


async def apply_difference(
    connection: Connection, layout: Layout, schema: str, before: Naming, now: Naming, decided: Iterable[EntityKey]
) -> None:
    """Bring entities and their names from what was said before to what is said now; `decided` are derived anew."""
    times = {key: now.times[key] - before.times[key] for key in sorted(now.times.keys() | before.times.keys())}
    times = {key: change for key, change in times.items() if change}
    none = (0,) * len(layout.counts)
    counts = {
        key: tuple(new - old for new, old in zip(now.counts.get(key, none), before.counts.get(key, none), strict=True))
        for key in now.counts.keys() | before.counts.keys()
    }
    touched = sorted(
        {key for key, changes in counts.items() if any(changes)} | {(key[0], key[1]) for key in times} | set(decided)
    )
    if not touched:
        return
    keys = [tenant for tenant, _ in touched], [entity for _, entity in touched]
    # First of all, as it locks the rows: nobody else counts these names now, and what others counted is seen below.
    names = list(layout.counts)
    columns = [[counts.get(key, none)[index] for key in touched] for index in range(len(names))]
    given = "".join(f", ${index}::bigint[]" for index in range(5, 5 + len(names)))
    called = _called(times)
    rows = await connection.fetch(
        f"INSERT INTO {schema}.entities AS e (tenant, entity_id, name, type, {', '.join(names)}) "
        f"SELECT tenant, entity_id, name, type, {', '.join(names)} "
        f"FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]{given}) "
        f"AS k(tenant, entity_id, name, type, {', '.join(names)}) "
        "ON CONFLICT (tenant, entity_id) DO UPDATE SET "
        + ", ".join(f"{name} = e.{name} + excluded.{name}" for name in names)
        + " RETURNING e.tenant, e.entity_id, e.name, e.type, xmax = 0 AS added",
        *keys,
        [called.get(key, (key[1], None))[0] for key in touched],
        [called.get(key, (key[1], None))[1] for key in touched],
        *columns,
    )
    await _count_names(connection, schema, times)
    fewer = {(key[0], key[1]) for key, change in times.items() if change < 0}
    await _each(connection, _FOLLOW, schema, _maybe_called_otherwise(rows, times, fewer | set(decided)))
    await _each(connection, _UNSPOKEN, schema, fewer | set(decided))


def _maybe_called_otherwise(
    rows: Iterable[asyncpg.Record], times: Mapping[NameKey, int], uncertain: Set[EntityKey]
) -> set[EntityKey]:
    """The entities, of `rows` that were just counted, whose name or type may be another one now.

    One that is new is called as it was added: written once, its row leaves no dead one behind. One that is only said
    more often, under the name and the type that it has, keeps them: they were the most frequent, or a person decided.
    """
    had = {(row["tenant"], row["entity_id"]): (row["name"], row["type"]) for row in rows if not row["added"]}
    others = {
        (tenant, entity)
        for tenant, entity, name, kind in times
        if (tenant, entity) in had and not (name == had[tenant, entity][0] and kind in ("", had[tenant, entity][1]))
    }
    return others | uncertain


async def _each(connection: Connection, statement: str, schema: str, keys: Set[EntityKey]) -> None:
    if keys:
        ordered = sorted(keys)
        await connection.execute(
            statement.replace("{schema}", schema), [tenant for tenant, _ in ordered], [entity for _, entity in ordered]
        )


def _called(times: dict[NameKey, int]) -> dict[EntityKey, tuple[str, str | None]]:
    """Name and type of each entity as these counts alone have them."""
    names: dict[EntityKey, Counter[str]] = defaultdict(Counter)
    types: dict[EntityKey, Counter[str]] = defaultdict(Counter)
    for (tenant, entity, name, kind), count in times.items():
        names[tenant, entity][name] += count
        if kind:
            types[tenant, entity][kind] += count
    return {key: (_first(counted), _first(types[key]) if key in types else None) for key, counted in names.items()}


def _first(counted: Counter[str]) -> str:
    """The most frequent one; in a tie the first by its bytes."""
    return min(counted, key=lambda value: (-counted[value], value.encode()))


async def _count_names(connection: Connection, schema: str, times: dict[NameKey, int]) -> None:
    if times:
        await connection.execute(
            f"INSERT INTO {schema}.entity_names AS n (tenant, entity_id, name, type, times) "
            "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) "
            "ON CONFLICT (tenant, entity_id, md5(name), type) DO UPDATE SET times = n.times + excluded.times",
            *([key[index] for key in times] for index in range(4)),
            list(times.values()),
        )
    fewer = sorted({(key[0], key[1]) for key, change in times.items() if change < 0})
    if fewer:
        await connection.execute(
            f"DELETE FROM {schema}.entity_names AS n USING {_KEYS} "
            "WHERE n.tenant = k.tenant AND n.entity_id = k.entity_id AND n.times = 0",
            [tenant for tenant, _ in fewer],
            [entity for _, entity in fewer],
        )


async def derive_all(connection: Connection, layout: Layout, schema: str, limit_s: float) -> None:
    """Names and entities of everything, after a bulk load, where there are none yet."""
    named = _naming_rows(layout, schema, of_documents=False)
    counts = ", ".join(layout.counts)
    # Grouping twice needs no order, where `count(DISTINCT ...)` sorts all rows.
    assert not {Count.CHUNKS, Count.DOCUMENTS} <= set(layout.counts.values()), "one of them is counted by groups"
    within = "chunk_id" if Count.CHUNKS in layout.counts.values() else "document_id"
    await connection.execute(
        f"INSERT INTO {schema}.entity_names (tenant, entity_id, name, type, times) "
        f"SELECT tenant, entity_id, name, type, count(*) FROM ({named}) AS named "
        "GROUP BY tenant, entity_id, name, type",
        timeout=limit_s,
    )
    await connection.execute(
        f"""
        INSERT INTO {schema}.entities (tenant, entity_id, name, type, merged_into, valid, {counts})
        SELECT
            tenant, entity_id, coalesce(d.name, n.name, entity_id), coalesce(d.type, t.type), d.merged_into, d.valid,
            {", ".join(f"coalesce(c.{count}, 0)" for count in layout.counts)}
        FROM (
            SELECT tenant, entity_id, {", ".join(f"{_SUMS[how]} AS {name}" for name, how in layout.counts.items())}
            FROM (
                SELECT tenant, entity_id, count(nullif(type, '')) AS typed
                FROM ({named}) AS named GROUP BY tenant, entity_id, {within}
            ) AS named GROUP BY tenant, entity_id
        ) AS c
        JOIN ({_most("name", f"{schema}.entity_names AS n")}) AS n USING (tenant, entity_id)
        LEFT JOIN ({_most("type", f"{schema}.entity_names AS n WHERE n.type <> ''")}) AS t USING (tenant, entity_id)
        FULL JOIN {schema}.decisions AS d USING (tenant, entity_id)
        """,
        timeout=limit_s,
    )


_SUMS = {Count.TYPED_ROWS: "sum(typed)", Count.DOCUMENTS: "count(*)", Count.CHUNKS: "count(*)"}
"""Of groups of rows that name an entity within one document, or one chunk."""


def _naming_rows(layout: Layout, schema: str, *, of_documents: bool) -> str:
    """Every row that names an entity: of all documents, or of those whose tenants ($1) and ids ($2) are given."""
    wanted = "JOIN unnest($1::text[], $2::text[]) AS k(tenant, id) ON k.tenant = t.tenant AND k.id = t.document_id"
    untyped = "''"
    return " UNION ALL ".join(
        f"SELECT '{one.table}' AS table_name, t.tenant, t.{one.id} AS entity_id, t.{one.name} AS name, "
        f"{f't.{one.type}' if one.type else untyped} AS type, t.document_id, t.chunk_id "
        f"FROM {schema}.{one.table} AS t {wanted if of_documents else ''}"
        for one in layout.names
    )


def _most(column: str, source: str) -> str:
    """The most frequent name or type of each entity; in a tie the first by its bytes."""
    return (
        f"SELECT DISTINCT ON (n.tenant, n.entity_id) n.tenant, n.entity_id, n.{column} FROM {source} "
        f"GROUP BY n.tenant, n.entity_id, n.{column} "
        f'ORDER BY n.tenant, n.entity_id, sum(n.times) DESC, n.{column} COLLATE "C"'
    )


_OWN = "{schema}.entity_names AS n JOIN " + _KEYS + " ON n.tenant = k.tenant AND n.entity_id = k.entity_id"
_FOLLOW = f"""
UPDATE {{schema}}.entities AS e
SET name = f.name, type = f.type, merged_into = f.merged_into, valid = f.valid
FROM (
    SELECT
        k.tenant, k.entity_id, coalesce(d.name, n.name, k.entity_id) AS name, coalesce(d.type, t.type) AS type,
        d.merged_into, d.valid
    FROM {_KEYS}
    LEFT JOIN ({_most("name", _OWN)}) AS n USING (tenant, entity_id)
    LEFT JOIN ({_most("type", f"{_OWN} WHERE n.type <> ''")}) AS t USING (tenant, entity_id)
    LEFT JOIN {{schema}}.decisions AS d USING (tenant, entity_id)
) AS f
WHERE e.tenant = f.tenant AND e.entity_id = f.entity_id
    AND (e.name, e.type, e.merged_into, e.valid) IS DISTINCT FROM (f.name, f.type, f.merged_into, f.valid)
"""
_UNSPOKEN = f"""
DELETE FROM {{schema}}.entities AS e USING {_KEYS}
WHERE e.tenant = k.tenant AND e.entity_id = k.entity_id
    AND NOT EXISTS (SELECT FROM {{schema}}.entity_names AS n WHERE n.tenant = k.tenant AND n.entity_id = k.entity_id)
    AND NOT EXISTS (SELECT FROM {{schema}}.decisions AS d WHERE d.tenant = k.tenant AND d.entity_id = k.entity_id)
"""
