"""Which instances of services there are, by leases that end where they are not renewed."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from eventstore.pool import PostgresPool, acquire, take_turn, transaction

LEASE_S = 6.0
"""An instance that is not heard of for so long is gone."""


KNOWN_KEYS = 1024


@dataclass(frozen=True, slots=True)
class Instance:
    """One process, or part of one, that serves. `address`: `http://HOST:PORT`, empty where it only calls others.

    `public_key` is what its tokens are verified with. `load`: work under way and waiting, by what it does at once.
    """

    service: str
    instance: str
    version: str
    address: str
    public_key: str
    load: float = 0.0


class ServiceRegistry(Protocol):
    """By the database's clock alone. Every method raises StoreUnavailableError when the database is away."""

    async def open(self) -> None:
        """Make it where there is none."""
        ...

    async def renew(self, instance: Instance, lease_s: float = LEASE_S) -> None:
        """There is this instance, for `lease_s` from now."""
        ...

    async def withdraw(self, instance: str) -> None:
        """There is none of this id any more; said of one that is not there, it changes nothing."""
        ...

    async def instances(self, service: str) -> list[Instance]:
        """Those whose lease has not ended, by id."""
        ...


class ServiceKeys(Protocol):
    """Public keys of instances that live. Raises StoreUnavailableError when the database is away."""

    async def find(self, instance: str) -> Instance | None:
        """The instance of this id, whose lease has not ended."""
        ...


class KnownKeys:
    """Keys that were found a moment ago are not looked up again; a process that is gone is forgotten with its lease."""

    def __init__(self, keys: ServiceKeys) -> None:
        self._keys = keys
        self._known: OrderedDict[str, tuple[Instance, float]] = OrderedDict()

    async def find(self, instance: str) -> Instance | None:
        """As `ServiceKeys.find`."""
        now = asyncio.get_running_loop().time()
        known = self._known.get(instance)
        if known is not None and known[1] > now:
            return known[0]
        found = await self._keys.find(instance)
        self._known.pop(instance, None)
        if found is not None:
            self._known[instance] = found, now + LEASE_S
            while len(self._known) > KNOWN_KEYS:
                self._known.popitem(last=False)
        return found


class PostgresServiceRegistry:
    """For the embedded profile, and for keys in both: whoever writes the log's database is one of the services."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def open(self) -> None:
        """Make the table. Unlogged: after a crash every instance is back with its next heartbeat."""
        async with transaction(self._pool) as connection:
            await take_turn(connection, "mesh")
            await connection.execute(
                """
                CREATE SCHEMA IF NOT EXISTS mesh;
                CREATE UNLOGGED TABLE IF NOT EXISTS mesh.instances (
                    instance text PRIMARY KEY, service text NOT NULL, version text NOT NULL, address text NOT NULL,
                    public_key text NOT NULL, load double precision NOT NULL, until timestamptz NOT NULL);
                """
            )

    async def renew(self, instance: Instance, lease_s: float = LEASE_S) -> None:
        """Insert or prolong it; leases that ended are cleared away by the way."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "INSERT INTO mesh.instances (instance, service, version, address, public_key, load, until) "
                "VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7)) "
                "ON CONFLICT (instance) DO UPDATE SET address = excluded.address, load = excluded.load, "
                "until = excluded.until WHERE instances.public_key = excluded.public_key",
                instance.instance,
                instance.service,
                instance.version,
                instance.address,
                instance.public_key,
                instance.load,
                lease_s,
            )
            await connection.execute("DELETE FROM mesh.instances WHERE until < clock_timestamp() - interval '1 hour'")

    async def withdraw(self, instance: str) -> None:
        """Delete it."""
        async with acquire(self._pool) as connection:
            await connection.execute("DELETE FROM mesh.instances WHERE instance = $1", instance)

    async def instances(self, service: str) -> list[Instance]:
        """Those that serve."""
        return await self._read("service = $1 AND address <> ''", service)

    async def find(self, instance: str) -> Instance | None:
        """By id."""
        return next(iter(await self._read("instance = $1", instance)), None)

    async def _read(self, condition: str, value: str) -> list[Instance]:
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT service, instance, version, address, public_key, load FROM mesh.instances "
                f"WHERE {condition} AND until > clock_timestamp() ORDER BY instance",
                value,
            )
        return [Instance(**dict(row)) for row in rows]
