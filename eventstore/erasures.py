"""Removing what the event store holds of documents that are erased: keys, and the rows that are kept beside events."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from eventstore.keys import AggregateKey
from eventstore.log_ids import LogIds
from eventstore.outputs import row_of
from eventstore.pool import Connection, PostgresPool, acquire, transaction
from eventstore.sealed_events import SEALED_SCHEMAS

DOCUMENT_TABLES = ("texts", "originals", "named_documents", "names", "question_documents")
"""Tables whose rows are of one document, by its id."""
ENTITY_TABLES = ("name_keys", "name_assignments", "name_doubts")


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What of one tenant is to go. `digests`: of the texts that models were given (sha256, in hexadecimal)."""

    tenant: str
    documents: Sequence[str]
    questions: Sequence[AggregateKey]
    entities: Sequence[str]
    digests: Collection[str]

    @property
    def keys(self) -> list[AggregateKey]:
        """All aggregates whose keys go."""
        documents = [AggregateKey(self.tenant, "document", one) for one in self.documents]
        entities = [AggregateKey(self.tenant, "entity", one) for one in self.entities]
        return [*documents, *self.questions, *entities]


class Erasures:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool, ids: LogIds) -> None:
        self._pool, self._ids = pool, ids

    async def questions(self, tenant: str, documents: Collection[str]) -> list[UUID]:
        """The streams of the questions whose answers rest on one of these documents."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT originator_id FROM annals.question_documents "
                "WHERE tenant = $1 AND document_id = ANY($2)",
                tenant,
                list(documents),
            )
        return [UUID(str(row["originator_id"])) for row in rows]

    async def named_elsewhere(self, tenant: str, entities: Collection[str], documents: Collection[str]) -> set[str]:
        """Those of these entities that other documents than these name."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT entity_id FROM annals.names WHERE tenant = $1 AND entity_id = ANY($2) "
                "AND document_id <> ALL($3)",
                tenant,
                list(entities),
                list(documents),
            )
        return {row["entity_id"] for row in rows}

    async def names_behind(self, versions: dict[AggregateKey, int]) -> int:
        """Of how many of these documents the table of names is behind the version."""
        async with acquire(self._pool) as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM annals.named_documents AS d "
                    "JOIN unnest($1::text[], $2::text[], $3::bigint[]) AS k (tenant, document_id, version) "
                    "USING (tenant, document_id) WHERE d.version < k.version",
                    [key.tenant for key in versions],
                    [key.aggregate_id for key in versions],
                    list(versions.values()),
                )
            )

    async def in_the_clear(self, keys: Collection[AggregateKey]) -> int:
        """How many events of these aggregates were recorded before events were sealed."""
        async with acquire(self._pool) as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM annals.stored_events WHERE originator_id = ANY($1) "
                    "AND (convert_from(state, 'UTF8')::jsonb ->> 'schema_version')::int <> ALL($2)",
                    [self._ids.stream(key) for key in keys],
                    list(SEALED_SCHEMAS),
                )
            )

    async def erase(self, plan: ErasurePlan) -> int:
        """Destroy the keys and remove the rows, at once; returns how many keys were destroyed.

        What is erased stays noted until it is `finished`: nothing else says any more what read models may still hold.
        """
        async with transaction(self._pool) as connection:
            streams = [self._ids.stream(key) for key in plan.keys]
            sealed = [*streams, *(self._ids.contents(plan.tenant, one) for one in plan.documents)]
            destroyed = await connection.fetchval("SELECT annals.destroy_keys($1, $2)", plan.tenant, sealed)
            await _remove(connection, plan, streams, self._ids)
            await connection.execute(
                "INSERT INTO annals.unfinished_erasures (tenant, kind, aggregate_id) "
                "SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING",
                *_columns(plan.keys),
            )
        return int(destroyed)

    async def forget_outputs(self, digests: Collection[str]) -> None:
        """What models said of these texts once more, as one was reading them when their keys were destroyed."""
        async with acquire(self._pool) as connection:
            await _remove_outputs(connection, digests, self._ids)

    async def unfinished(self, tenant: str) -> list[AggregateKey]:
        """Aggregates whose keys are destroyed, and which nobody has made sure of to be in no read model."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT kind, aggregate_id FROM annals.unfinished_erasures WHERE tenant = $1", tenant
            )
        return [AggregateKey(tenant, row["kind"], row["aggregate_id"]) for row in rows]

    async def finished(self, keys: Sequence[AggregateKey]) -> None:
        """No read model holds anything of these."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "DELETE FROM annals.unfinished_erasures WHERE (tenant, kind, aggregate_id) IN "
                "(SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))",
                *_columns(keys),
            )


def _columns(keys: Sequence[AggregateKey]) -> list[list[str]]:
    return [[key.tenant for key in keys], [key.kind for key in keys], [key.aggregate_id for key in keys]]


async def _remove(connection: Connection, plan: ErasurePlan, streams: Sequence[UUID], ids: LogIds) -> None:
    for table in DOCUMENT_TABLES:
        await connection.execute(
            f"DELETE FROM annals.{table} WHERE tenant = $1 AND document_id = ANY($2)", plan.tenant, plan.documents
        )
    await _disown_receipts(connection, plan, ids)
    for table in ENTITY_TABLES:
        await connection.execute(
            f"DELETE FROM annals.{table} WHERE tenant = $1 AND entity_id = ANY($2)", plan.tenant, plan.entities
        )
    await _remove_outputs(connection, plan.digests, ids)
    await connection.execute(
        "DELETE FROM annals.dead_letters WHERE tenant = $1 AND aggregate_id = ANY($2)",
        plan.tenant,
        [key.aggregate_id for key in plan.keys],
    )
    await connection.execute(
        "DELETE FROM annals.reprocess_requests WHERE position IN "
        "(SELECT notification_id FROM annals.stored_events WHERE originator_id = ANY($1))",
        streams,
    )
    await connection.execute("DELETE FROM annals.question_documents WHERE originator_id = ANY($1)", streams)
    await connection.execute("DELETE FROM annals.document_collections WHERE originator_id = ANY($1)", streams)


async def _remove_outputs(connection: Connection, digests: Collection[str], ids: LogIds) -> None:
    """They are found by the digest alone: of a text that another document has too, the model says it once more."""
    await connection.execute(
        "DELETE FROM annals.model_outputs WHERE digest = ANY($1)",
        [row for one in digests for row in (row_of(ids, one), bytes.fromhex(one))],
    )


async def _disown_receipts(connection: Connection, plan: ErasurePlan, ids: LogIds) -> None:
    """Of a delivery that left an event, its event says that it came. Of one that changed nothing a receipt stays, by
    the id that its event would have: delivered once more, it brings nothing back.
    """
    rows = await connection.fetch(
        "DELETE FROM annals.inbox_receipts WHERE tenant = $1 AND document_id = ANY($2) "
        "RETURNING tenant, document_id, event_id, outcome, received_at",
        plan.tenant,
        plan.documents,
    )
    kept = [row for row in rows if row["outcome"] == "unchanged"]
    await connection.execute(
        "INSERT INTO annals.inbox_receipts (event_id, outcome, received_at) "
        "SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) ON CONFLICT DO NOTHING",
        [ids.delivery(row["tenant"], row["document_id"], row["event_id"]) for row in kept],
        [row["outcome"] for row in kept],
        [row["received_at"] for row in kept],
    )
