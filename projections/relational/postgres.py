"""The relational read model in PostgreSQL: reads."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from contracts.ontology import NO_ONTOLOGY, Ontology
from eventstore.pool import PostgresPool
from projections.graph.reads import WrongRelation
from projections.postgres.consistent_read import retry_replaced
from projections.postgres.generation_reads import GenerationReads
from projections.relational import listing, visible
from projections.relational.entity_lookup import as_they_became, counted_together
from projections.relational.model import LAYOUT
from projections.relational.reads import (
    ChunkRow,
    Counts,
    DocumentFilter,
    DocumentRow,
    DocumentSummary,
    EntityFilter,
    EntitySummary,
    FilterStatistics,
    RelationFilter,
    RelationRow,
)
from projections.relational.typed import violations

_COUNTS = """
SELECT
    (SELECT count(*) FROM relational.documents WHERE tenant = $1) AS documents,
    (SELECT count(*) FROM relational.chunks WHERE tenant = $1) AS chunks,
    (SELECT count(*) FROM relational.entities WHERE tenant = $1 AND merged_into IS NULL AND valid IS NOT false)
        AS entities,
    (SELECT count(*) FROM relational.relations WHERE tenant = $1 AND valid IS NOT false) AS relations,
    (SELECT count(*) FROM relational.states WHERE tenant = $1 AND stage <> 'processed') AS waiting
"""


_ENTITIES_OF = """
SELECT entity_id, min(e.name) AS name, min(e.type) AS type, count(*) AS mentions,
    bool_or(e.merged_into IS NOT NULL) AS merged
FROM relational.mentions AS m JOIN relational.entities AS e USING (tenant, entity_id)
WHERE m.tenant = $1 AND m.document_id = $2 GROUP BY entity_id ORDER BY mentions DESC, name
"""
_SEEN = f"($3::text[] IS NULL OR {visible.of_collections('o', '$3')})"
_OF_COLLECTIONS = f"($4::text[] IS NULL OR {visible.COLLECTION} = ANY($4))"


class PostgresRelational:
    """Implements `projections.relational.reads.RelationalReader` over the live generation, or another one's schema."""

    def __init__(self, pool: PostgresPool, ontology: Ontology = NO_ONTOLOGY, schema: str | None = None) -> None:
        self._reads = GenerationReads(pool, LAYOUT.name, schema)
        self._ontology = ontology

    async def counts(self, tenant: str, collections: frozenset[str] | None = None) -> Counts:
        """How much there is."""
        async with self._reads.connection() as connection:
            if collections is None:
                row = await connection.fetchrow(_COUNTS, tenant)
            else:
                row = await connection.fetchrow(visible.COUNTS, tenant, sorted(collections))
        assert row is not None
        return Counts(**row)

    async def unprocessed(
        self, tenant: str, limit: int, collections: frozenset[str] | None = None
    ) -> list[tuple[str, datetime]]:
        """Documents that are not processed yet, with the time of their last event; the longest waiting first."""
        async with self._reads.connection() as connection:
            rows = await connection.fetch(
                "SELECT s.document_id, s.since FROM relational.states AS s WHERE s.tenant = $1 "
                "AND s.stage <> 'processed' AND ($3::text[] IS NULL OR EXISTS (SELECT FROM relational.documents AS d "
                f"WHERE d.tenant = s.tenant AND d.document_id = s.document_id AND {visible.COLLECTION} = ANY($3))) "
                "ORDER BY s.since, s.document_id LIMIT $2",
                tenant,
                limit,
                None if collections is None else sorted(collections),
            )
        return [(row["document_id"], row["since"]) for row in rows]

    @retry_replaced
    async def document(
        self, tenant: str, document_id: str, collections: frozenset[str] | None = None
    ) -> DocumentRow | None:
        """One document with what was found in it, as of one moment."""
        key = (tenant, document_id)
        of_document = "WHERE tenant = $1 AND document_id = $2"
        async with self._reads.consistent() as connection:
            row = await connection.fetchrow(
                "SELECT d.document_id, title, uri, attributes, digest, characters, bytes, taken_at, stage, since "
                "FROM relational.documents AS d JOIN relational.states USING (tenant, document_id) " + of_document,
                *key,
            )
            if row is None:
                return None
            chunks = await connection.fetch(
                'SELECT chunk_id, start_at AS start, end_at AS "end", tokens FROM relational.chunks '
                f"{of_document} ORDER BY index, start_at",
                *key,
            )
            if collections is None:
                named = await connection.fetch(_ENTITIES_OF, *key)
                entities = await as_they_became(connection, tenant, [dict(row) for row in named])
            else:
                named = await connection.fetch(visible.OF_DOCUMENT, tenant, sorted(collections), document_id)
                entities = [dict(row) for row in named]
            relations = await connection.fetch(
                "SELECT r.relation_id, r.subject_id, r.subject, r.predicate, r.object_id, r.object, r.confidence, "
                f"r.valid, {listing.WHEN} "
                f"FROM relational.relations AS r {listing.later(_SEEN)} "
                "WHERE r.tenant = $1 AND r.document_id = $2 ORDER BY r.start_at, r.relation_id",
                *key,
                _listed(collections),
            )
            stated = [(one["subject_id"], one["predicate"], one["object_id"]) for one in relations]
            wrong = await violations(connection, tenant, self._ontology, stated, collections)
        fields = dict(row) | {"attributes": json.loads(row["attributes"])}
        return DocumentRow(
            **fields,
            chunks=[dict(chunk) for chunk in chunks],
            entities=entities,
            relations=[
                {name: value for name, value in relation.items() if name not in ("subject_id", "object_id")}
                | {"violates": why}
                for relation, why in zip(relations, wrong, strict=True)
            ],
        )

    async def with_attributes(
        self, tenant: str, attributes: dict[str, Any], limit: int | None, collections: frozenset[str] | None = None
    ) -> list[str]:
        """Ids of the documents that have all of these attributes, by id; at most `limit`."""
        async with self._reads.connection() as connection:
            rows = await connection.fetch(
                "SELECT document_id FROM relational.documents AS d WHERE tenant = $1 AND attributes @> $2::jsonb "
                f"AND {_OF_COLLECTIONS} ORDER BY document_id LIMIT $3",
                tenant,
                json.dumps(attributes),
                limit,
                _listed(collections),
            )
        return [row["document_id"] for row in rows]

    async def filter_statistics(
        self, tenant: str, attributes: dict[str, Any], limit: int, collections: frozenset[str] | None = None
    ) -> FilterStatistics:
        """Of documents that have all of these attributes: at most `limit` are counted, of all ten times as many."""
        async with self._reads.connection() as connection:
            row = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM (SELECT FROM relational.documents AS d "
                f"WHERE tenant = $1 AND attributes @> $2::jsonb AND {_OF_COLLECTIONS} LIMIT $3) AS own), "
                "(SELECT count(*) FROM (SELECT FROM relational.documents AS d "
                f"WHERE tenant = $1 AND {_OF_COLLECTIONS} LIMIT $5) AS own)",
                tenant,
                json.dumps(attributes),
                limit,
                _listed(collections),
                10 * limit,
            )
        assert row is not None
        return FilterStatistics(*tuple(row))

    async def having(
        self,
        tenant: str,
        document_ids: Sequence[str],
        attributes: dict[str, Any],
        collections: frozenset[str] | None = None,
    ) -> set[str]:
        """Those of these documents that have all of these attributes."""
        async with self._reads.connection() as connection:
            rows = await connection.fetch(
                "SELECT document_id FROM relational.documents AS d "
                f"WHERE tenant = $1 AND document_id = ANY($2) AND attributes @> $3::jsonb AND {_OF_COLLECTIONS}",
                tenant,
                document_ids,
                json.dumps(attributes),
                _listed(collections),
            )
        return {row["document_id"] for row in rows}

    async def named(self, tenant: str, entity_ids: Sequence[str]) -> set[str]:
        """Those of these entities that some document names."""
        naming = " UNION ".join(
            f"SELECT {one.id} FROM relational.{one.table} WHERE tenant = $1 AND {one.id} = ANY($2)"
            for one in LAYOUT.names
        )
        async with self._reads.connection() as connection:
            rows = await connection.fetch(naming, tenant, list(entity_ids))
        return {row[0] for row in rows}

    async def list_documents(
        self, tenant: str, wanted: DocumentFilter, after: str | None, limit: int
    ) -> list[DocumentSummary]:
        """At most `limit`, by id in the order of code points, from behind the id `after`; titles in either case."""
        query, values = listing.documents(tenant, wanted, after, limit)
        async with self._reads.connection() as connection:
            rows = await connection.fetch(query, *values)
        return [DocumentSummary(**dict(row) | {"attributes": json.loads(row["attributes"])}) for row in rows]

    async def list_entities(
        self, tenant: str, wanted: EntityFilter, after: tuple[str, str] | None, limit: int
    ) -> list[EntitySummary]:
        """At most `limit`, by name and id, from behind the name and id `after`; names in either case."""
        query, values = listing.entities(tenant, wanted, after, limit)
        async with self._reads.connection() as connection:
            found = [EntitySummary(**dict(row)) for row in await connection.fetch(query, *values)]
            ids = [one.entity_id for one in found]
            together = await counted_together(connection, tenant, ids, wanted.collections)
        return [_with_counts(one, together.get(one.entity_id)) for one in found]

    async def list_relations(
        self, tenant: str, wanted: RelationFilter, after: tuple[str, str] | None, limit: int
    ) -> list[RelationRow]:
        """At most `limit`, by document and id of the relation, from behind the pair `after`."""
        query, values = listing.relations(tenant, wanted, after, limit)
        async with self._reads.connection() as connection:
            found = [RelationRow(**dict(row)) for row in await connection.fetch(query, *values)]
            ends = [(one.subject_id, one.predicate, one.object_id) for one in found]
            wrong = await violations(connection, tenant, self._ontology, ends, wanted.collections)
        return [replace(one, violates=why) for one, why in zip(found, wrong, strict=True)]

    async def called_wrong(self, tenant: str, chunk_ids: Sequence[str]) -> list[WrongRelation]:
        """By an index of what was called wrong alone."""
        async with self._reads.connection() as connection:
            rows = await connection.fetch(
                "SELECT subject, predicate, object, chunk_id, start_at, end_at FROM relational.relations "
                "WHERE tenant = $1 AND chunk_id = ANY($2::text[]) AND NOT valid AND NOT negated "
                "ORDER BY chunk_id, start_at, relation_id",
                tenant,
                list(chunk_ids),
            )
        return [WrongRelation(*row) for row in rows]

    async def wrong_tag(self, tenant: str) -> str:
        """Of their ids: people judge few."""
        async with self._reads.connection() as connection:
            found = await connection.fetchval(
                "SELECT md5(string_agg(document_id || ' ' || relation_id, ' ' ORDER BY document_id, relation_id)) "
                "FROM relational.relations WHERE tenant = $1 AND NOT valid AND NOT negated",
                tenant,
            )
        return found or ""

    async def called_right(self, tenant: str, relation_ids: Sequence[str]) -> set[str]:
        """Those of these relations that somebody called right."""
        async with self._reads.connection() as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT relation_id FROM relational.relations "
                "WHERE tenant = $1 AND relation_id = ANY($2::text[]) AND valid",
                tenant,
                list(relation_ids),
            )
        return {row["relation_id"] for row in rows}

    async def rejected_question(self, tenant: str, cache_key: str) -> str | None:
        """One of them; the first by its id."""
        async with self._reads.connection() as connection:
            found: str | None = await connection.fetchval(
                "SELECT query_id FROM relational.queries WHERE tenant = $1 AND cache_key = $2 AND NOT valid "
                "ORDER BY query_id LIMIT 1",
                tenant,
                cache_key,
            )
        return found

    async def list_chunks(
        self, tenant: str, document_id: str, after: tuple[int, str] | None, limit: int
    ) -> list[ChunkRow]:
        """A document's, at most `limit`, by where they start and their id, from behind the pair `after`."""
        start, chunk_id = after if after is not None else (-1, "")
        async with self._reads.connection() as connection:
            rows = await connection.fetch(
                'SELECT chunk_id, start_at AS start, end_at AS "end", tokens FROM relational.chunks '
                "WHERE tenant = $1 AND document_id = $2 AND (start_at, chunk_id) > ($3, $4) "
                "ORDER BY start_at, chunk_id LIMIT $5",
                tenant,
                document_id,
                start,
                chunk_id,
                limit,
            )
        return [ChunkRow(**dict(row)) for row in rows]

    async def collection(self, tenant: str, document_id: str) -> str | None:
        """The collection that a document is of, "" where it is of none; None where there is no such document."""
        async with self._reads.connection() as connection:
            found = await connection.fetchval(
                f"SELECT {visible.COLLECTION} FROM relational.documents AS d WHERE tenant = $1 AND document_id = $2",
                tenant,
                document_id,
            )
        return None if found is None else str(found)


def _with_counts(entity: EntitySummary, counts: tuple[int, int] | None) -> EntitySummary:
    return entity if counts is None else replace(entity, mentions=counts[0], documents=counts[1])


def _listed(collections: frozenset[str] | None) -> list[str] | None:
    return None if collections is None else sorted(collections)
