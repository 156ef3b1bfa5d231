"""The names of a tenant: what is asked of some costs what they have, however many others there are."""

from uuid import UUID

from eventstore.names import DocumentNames, NamedEntity, NamesTurn
from eventstore.pool import PostgresPool, transaction

READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'annals.names'::regclass"


def named(document: int, entity: str) -> NamedEntity:
    return NamedEntity(entity, f"d{document}", "Ann Lee", "PERSON", 1, "c1")


async def test_what_was_told_apart_is_found_without_a_look_at_every_other_name(pool: PostgresPool) -> None:
    entities = [str(UUID(int=number)) for number in range(500)]
    apart = named(500, f"{entities[7]}.d500")
    rows = [named(number, entity) for number, entity in enumerate(entities)] + [apart]
    async with transaction(pool) as connection:
        turn = NamesTurn(connection, "one")
        await turn.add([DocumentNames(row.document_id, 1, [row]) for row in rows])
        before = await connection.fetchval(READ)
        assert await turn.told_apart(entities[:100]) == [apart]
        assert await connection.fetchval(READ) - before < len(rows) / 2
