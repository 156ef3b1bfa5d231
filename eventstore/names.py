"""Which names documents have for which entities now, and by which keys names are compared.

What consumers decide from, one at a time for each tenant. It follows from the log's events.
"""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from eventstore.pool import Connection, PostgresPool, acquire, take_turn, transaction

MOST_NAMES = 8
"""Of an entity, names in so many documents are looked at, the first by document id: not all of them each time."""


MOST_BESIDE = 1000
"""Of the entities that a document names beside another one, so many are looked at."""


def turn_of(tenant: str) -> str:
    """The name of the turn in which this tenant's entities are decided on, by rules or by people: one at a time."""
    return f"entities of {tenant}"


class NamedEntity(NamedTuple):
    """One name that one document has for an entity. `version`: of the event that says so; `chunk_id`: where first."""

    entity_id: str
    document_id: str
    name: str
    type: str
    version: int
    chunk_id: str


@dataclass(frozen=True, slots=True)
class DocumentNames:
    """What a document says by its event number `version`, and by those that go on with that one's result."""

    document_id: str
    version: int
    names: Sequence[NamedEntity]


class NamesTurn:
    """The names of one tenant, while nobody else changes them."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    async def newest(self, documents: Sequence[DocumentNames]) -> list[DocumentNames]:
        """Those that are not older than what is known of their documents, which it is to be from now on."""
        versions: dict[str, int] = {}
        for one in documents:
            versions[one.document_id] = max(one.version, versions.get(one.document_id, 0))
        rows = await self._connection.fetch(
            "INSERT INTO annals.named_documents AS d (tenant, document_id, version) "
            "SELECT $1, * FROM unnest($2::text[], $3::bigint[]) ON CONFLICT (tenant, document_id) "
            "DO UPDATE SET version = greatest(d.version, excluded.version) RETURNING document_id, version",
            self._tenant,
            list(versions),
            list(versions.values()),
        )
        known = {row["document_id"]: row["version"] for row in rows}
        return [one for one in documents if one.version == known[one.document_id]]

    async def present(self, documents: Sequence[DocumentNames]) -> list[DocumentNames]:
        """Those that say more of the documents as they are known, and not of what they held before. Of a document that
        nobody told of yet, what came first may come last: then it takes nothing of these away.
        """
        rows = await self._connection.fetch(
            "SELECT document_id, version FROM annals.named_documents "
            "WHERE tenant = $1 AND document_id = ANY($2::text[])",
            self._tenant,
            list({one.document_id for one in documents}),
        )
        known = {row["document_id"]: row["version"] for row in rows}
        return [one for one in documents if one.version > known.get(one.document_id, 0)]

    async def named_by(self, documents: Collection[str]) -> set[tuple[str, str]]:
        """The entities that these documents name, each with the types that they have there."""
        rows = await self._connection.fetch(
            "SELECT DISTINCT entity_id, type FROM annals.names WHERE tenant = $1 AND document_id = ANY($2::text[])",
            self._tenant,
            list(documents),
        )
        return {(row["entity_id"], row["type"]) for row in rows}

    async def namesakes(self, names: Collection[str]) -> set[str]:
        """The entities that documents name, of those whose names these ids follow from."""
        rows = await self._connection.fetch(
            "SELECT n.entity_id FROM unnest($2::text[]) AS k(name_id), LATERAL ("
            "(SELECT entity_id FROM annals.names AS own WHERE own.tenant = $1 AND own.entity_id = k.name_id LIMIT 1) "
            "UNION ALL (SELECT DISTINCT entity_id FROM annals.names AS own WHERE own.tenant = $1 "
            "AND own.entity_id > k.name_id || '.' AND own.entity_id < k.name_id || '/')) AS n",
            self._tenant,
            list(names),
        )
        return {row["entity_id"] for row in rows}

    async def of_name(self, names: Collection[str], most: int) -> dict[str, list[NamedEntity]]:
        """All that documents name by each of these, told apart or not; what has more than `most` is left out."""
        rows = await self._connection.fetch(
            "SELECT k.name_id, n.* FROM unnest($2::text[]) AS k(name_id), LATERAL ("
            "SELECT entity_id, document_id, name, type, version, chunk_id FROM annals.names AS own "
            "WHERE own.tenant = $1 AND own.entity_id >= k.name_id AND own.entity_id < k.name_id || '/' "
            "LIMIT $3 + 1) AS n",
            self._tenant,
            list(names),
            most,
        )
        found: dict[str, list[NamedEntity]] = defaultdict(list)
        for name_id, *named in rows:
            found[name_id].append(NamedEntity(*named))
        return {name_id: sorted(own) for name_id, own in found.items() if len(own) <= most}

    async def told_apart(self, names: Collection[str]) -> list[NamedEntity]:
        """What documents name by these and was told apart from the entity whose id follows from the name."""
        # OFFSET 0: else the planner, before there are statistics, compares each of these with each name of the tenant.
        rows = await self._connection.fetch(
            "SELECT n.* FROM unnest($2::text[]) AS k(name_id), LATERAL ("
            "SELECT entity_id, document_id, name, type, version, chunk_id FROM annals.names AS own "
            "WHERE own.tenant = $1 AND own.entity_id > k.name_id || '.' AND own.entity_id < k.name_id || '/' "
            "OFFSET 0) AS n",
            self._tenant,
            list(names),
        )
        return [NamedEntity(*row) for row in rows]

    async def beside(self, documents: Collection[str], kinds: Collection[str]) -> dict[str, set[str]]:
        """The first entities of these types that each of these documents names."""
        rows = await self._connection.fetch(
            "SELECT k.document_id, n.entity_id FROM unnest($2::text[]) AS k(document_id), LATERAL ("
            "SELECT DISTINCT entity_id FROM annals.names AS own WHERE own.tenant = $1 "
            "AND own.document_id = k.document_id AND own.type = ANY($3::text[]) "
            f"ORDER BY entity_id LIMIT {MOST_BESIDE}) AS n",
            self._tenant,
            list(documents),
            list(kinds),
        )
        found: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            found[row["document_id"]].add(row["entity_id"])
        return found

    async def tell_apart(self, meant: Mapping[tuple[str, str], str]) -> None:
        """Have what these documents name by these entities be of others: document and entity to the other one."""
        await self._connection.execute(
            "WITH moved AS (DELETE FROM annals.names AS n USING unnest($2::text[], $3::text[], $4::text[]) "
            "AS k(document_id, entity_id, meant) WHERE n.tenant = $1 AND n.document_id = k.document_id "
            "AND n.entity_id = k.entity_id RETURNING k.meant, n.document_id, n.name, n.type, n.version, n.chunk_id) "
            "INSERT INTO annals.names (tenant, entity_id, document_id, name, type, version, chunk_id) "
            "SELECT $1, * FROM moved ON CONFLICT DO NOTHING",
            self._tenant,
            [document for document, _ in meant],
            [entity for _, entity in meant],
            list(meant.values()),
        )

    async def replace(self, documents: Sequence[DocumentNames]) -> None:
        """Drop what older events say of these documents, and keep what these say."""
        await self._connection.execute(
            "DELETE FROM annals.names AS n USING unnest($2::text[], $3::bigint[]) AS k(document_id, version) "
            "WHERE n.tenant = $1 AND n.document_id = k.document_id AND n.version < k.version",
            self._tenant,
            [one.document_id for one in documents],
            [one.version for one in documents],
        )
        await self.add(documents)

    async def add(self, documents: Sequence[DocumentNames]) -> None:
        """Keep what these say beside what is known of the documents."""
        names = [name for one in documents for name in one.names]
        if names:
            await self._connection.execute(
                "INSERT INTO annals.names (tenant, entity_id, document_id, name, type, version, chunk_id) "
                "SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[]) "
                "ON CONFLICT DO NOTHING",
                self._tenant,
                *map(list, zip(*names, strict=True)),
            )

    async def names_of(self, entities: Collection[str]) -> dict[str, tuple[NamedEntity, ...]]:
        """The first MOST_NAMES of each entity; those that no document names are left out."""
        if not entities:
            return {}
        rows = await self._connection.fetch(
            "SELECT n.* FROM unnest($2::text[]) AS k(entity_id), LATERAL ("
            "SELECT entity_id, document_id, name, type, version, chunk_id FROM annals.names AS own "
            "WHERE own.tenant = $1 AND own.entity_id = k.entity_id "
            f"ORDER BY document_id, name, type LIMIT {MOST_NAMES}) AS n",
            self._tenant,
            list(entities),
        )
        found: dict[str, list[NamedEntity]] = defaultdict(list)
        for row in rows:
            found[row["entity_id"]].append(NamedEntity(*row))
        return {entity: tuple(names) for entity, names in found.items()}

    async def set_keys(self, gone: Iterable[tuple[str, str]], new: Iterable[tuple[str, str]]) -> None:
        """Drop these pairs of key and entity, and add those."""
        for statement, pairs in (
            (
                "DELETE FROM annals.name_keys AS n USING unnest($2::text[], $3::text[]) AS k(key, entity_id) "
                "WHERE n.tenant = $1 AND n.key = k.key AND n.entity_id = k.entity_id",
                list(gone),
            ),
            (
                "INSERT INTO annals.name_keys (tenant, key, entity_id) "
                "SELECT $1, * FROM unnest($2::text[], $3::text[]) ON CONFLICT DO NOTHING",
                list(new),
            ),
        ):
            if pairs:
                await self._connection.execute(
                    statement, self._tenant, [key for key, _ in pairs], [entity for _, entity in pairs]
                )

    async def blocks(self, most: Mapping[str, int]) -> dict[str, list[str]]:
        """The entities of each of these keys; a key that more than so many share is left out."""
        if not most:
            return {}
        # OFFSET 0: else the planner takes the inner query apart, and looks each key up twice.
        rows = await self._connection.fetch(
            "SELECT k.key, n.entities FROM unnest($2::text[], $3::int[]) AS k(key, most), LATERAL ("
            "SELECT ARRAY(SELECT entity_id FROM annals.name_keys AS own "
            "WHERE own.tenant = $1 AND own.key = k.key LIMIT k.most + 1) AS entities OFFSET 0) AS n "
            "WHERE cardinality(n.entities) <= k.most",
            self._tenant,
            list(most),
            list(most.values()),
        )
        return dict(map(tuple, rows))

    async def assignments(self, entities: Collection[str]) -> dict[str, str]:
        """Which of these are assigned, and to whom."""
        rows = await self._connection.fetch(
            "SELECT entity_id, into_id FROM annals.name_assignments WHERE tenant = $1 AND entity_id = ANY($2::text[])",
            self._tenant,
            list(entities),
        )
        return dict(map(tuple, rows))

    async def doubtful(self) -> set[str]:
        """The entities on which a turn that did not come to its end decided, or was about to."""
        rows = await self._connection.fetch("SELECT entity_id FROM annals.name_doubts WHERE tenant = $1", self._tenant)
        return {row["entity_id"] for row in rows}

    async def assign(self, changes: Mapping[str, str | None]) -> None:
        """Remember to whom each is assigned, None: to nobody; so no entity is doubtful any more."""
        await self._connection.execute(
            "DELETE FROM annals.name_assignments WHERE tenant = $1 AND entity_id = ANY($2::text[])",
            self._tenant,
            list(changes),
        )
        await self._connection.execute(
            "INSERT INTO annals.name_assignments (tenant, entity_id, into_id) "
            "SELECT $1, * FROM unnest($2::text[], $3::text[])",
            self._tenant,
            [entity for entity, into in changes.items() if into is not None],
            [into for into in changes.values() if into is not None],
        )
        await self._connection.execute("DELETE FROM annals.name_doubts WHERE tenant = $1", self._tenant)


class Names:
    """Raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    @contextlib.asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[NamesTurn]:
        """A transaction, in which nobody else changes this tenant's names or decides on its entities."""
        async with transaction(self._pool) as connection:
            await take_turn(connection, turn_of(tenant))
            yield NamesTurn(connection, tenant)

    async def doubt(self, tenant: str, entities: Collection[str]) -> None:
        """Whatever becomes of this tenant's turn, remember that these may be decided on: for whoever has it, before
        anything is appended."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.name_doubts (tenant, entity_id) SELECT $1, * FROM unnest($2::text[]) "
                "ON CONFLICT DO NOTHING",
                tenant,
                sorted(entities),
            )
