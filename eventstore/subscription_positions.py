"""How far each subscription of a tenant is, and which program has it now."""

from typing import NamedTuple
from uuid import UUID, uuid4

from eventstore.pool import PostgresPool, acquire


class Held(NamedTuple):
    """A subscription that its holder begins behind `position`."""

    position: int
    holder: UUID


class SubscriptionPositions:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def take(self, tenant: str, name: str, start: int) -> Held:
        """Hold it from now on, whoever held it before; where it never was, behind `start`."""
        holder = uuid4()
        async with acquire(self._pool) as connection:
            position = await connection.fetchval(
                "INSERT INTO annals.subscriptions AS s (tenant, name, position, holder) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT (tenant, name) DO UPDATE SET holder = excluded.holder, began_at = now() "
                "RETURNING s.position",
                tenant,
                name,
                start,
                holder,
            )
        return Held(int(position), holder)

    async def advance(self, tenant: str, name: str, held: Held) -> bool:
        """Everything up to `held.position` was handled. Never goes back; false where somebody else holds it now."""
        async with acquire(self._pool) as connection:
            found = await connection.fetchval(
                "UPDATE annals.subscriptions SET position = greatest(position, $3) "
                "WHERE tenant = $1 AND name = $2 AND holder = $4 RETURNING true",
                tenant,
                name,
                held.position,
                held.holder,
            )
        return bool(found)

    async def forget(self, tenant: str, name: str) -> bool:
        """Whether there was one."""
        async with acquire(self._pool) as connection:
            found = await connection.fetchval(
                "DELETE FROM annals.subscriptions WHERE tenant = $1 AND name = $2 RETURNING true", tenant, name
            )
        return bool(found)
