"""The registry of generations: which there are of each read model, what for, and who works on them.

Where a generation lies, and how it is built, is for its read model's store (`projections/`).
"""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import asyncpg

from contracts.errors import AnnalsError
from eventstore.errors import StoreUnavailableError
from eventstore.pool import Connection, PostgresPool, acquire, take_turn, transaction

log = logging.getLogger(__name__)

State = Literal["building", "ready", "live", "retired", "dropping"]

LEASE_S = 30.0
BEATS = 3
"""Within one lease: two that fail cost nothing."""

_LEASED = "coalesce(leased_until > now(), false)"


class GenerationNotFoundError(AnnalsError):
    """There is no such generation; `annals generations` lists those there are."""


class GenerationInUseError(AnnalsError):
    """The generation is live, or somebody works on it; drop it when it is not."""


class GenerationExistsError(AnnalsError):
    """There is a generation of this name; drop it first, or choose another name."""


@dataclass(frozen=True, slots=True)
class RegisteredGeneration:
    """`schema_version`: of the read model's tables. `model_revision`: of the model whose outputs it is made of, where
    one was asked for. `inputs`: what it is built by, apart from events. `as_of`: the position where it ends; None
    follows the log. `rows` when it was built, up to `position`. `owner` works on it while `leased`.
    """

    id: str
    read_model: str
    purpose: str
    schema_version: int
    model_revision: str | None
    inputs: str | None
    as_of: int | None
    state: State
    owner: str | None
    leased: bool
    rows: int | None
    position: int | None
    created_at: datetime
    switched_at: datetime | None
    expires_at: datetime | None


_COLUMNS = (
    "id, read_model, purpose, schema_version, model_revision, inputs, as_of, state, "
    f"CASE WHEN {_LEASED} THEN owner END AS owner, {_LEASED} AS leased, "
    "rows, position, created_at, switched_at, expires_at"
)


def new_id() -> str:
    """Twelve hexadecimal digits: safe within any identifier, and short enough for Neo4j to keep it within a node."""
    return secrets.token_hex(6)


class GenerationRegistry:
    """Every method raises StoreUnavailableError when the database is away. `owner`: this process, as others see it."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool
        self.owner = f"{socket.gethostname()}:{os.getpid()}"

    @property
    def pool(self) -> PostgresPool:
        """Of the database that the registry is in."""
        return self._pool

    async def add(
        self,
        read_model: str,
        purpose: str,
        schema_version: int,
        *,
        expires_s: float | None,
        as_of: int | None = None,
        model_revision: str | None = None,
        inputs: str | None = None,
        position: int | None = None,
    ) -> RegisteredGeneration:
        """One that this process begins to build up to `position`, under its lease. `expires_s`: None never.

        Raises GenerationExistsError where the read model has one of this purpose that is being built or ready.
        """
        try:
            async with acquire(self._pool) as connection:
                row = await connection.fetchrow(
                    "INSERT INTO annals.generations (id, read_model, purpose, schema_version, as_of, model_revision, "
                    "inputs, position, state, owner, leased_until, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $10, "
                    "$11, 'building', $7, now() + make_interval(secs => $8), now() + make_interval(secs => $9)) "
                    f"RETURNING {_COLUMNS}",
                    new_id(),
                    read_model,
                    purpose,
                    schema_version,
                    as_of,
                    model_revision,
                    self.owner,
                    LEASE_S,
                    expires_s,
                    inputs,
                    position,
                )
        except asyncpg.UniqueViolationError:
            raise GenerationExistsError(
                f"{read_model} has a generation {purpose!r} already; drop it first (annals generations), or choose "
                "another name"
            ) from None
        assert row is not None
        return RegisteredGeneration(**row)

    async def adopt(
        self, read_model: str, purpose: str, new_purpose: str, as_of: int, *, expires_s: float | None
    ) -> RegisteredGeneration | None:
        """Take the one of a purpose that is ready, for another one: this process goes on building it, under its lease.

        None where there is none. Raises GenerationExistsError where the read model has one of the new purpose.
        """
        try:
            async with acquire(self._pool) as connection:
                row = await connection.fetchrow(
                    "UPDATE annals.generations SET purpose = $3, as_of = $4, state = 'building', owner = $5, "
                    "leased_until = now() + make_interval(secs => $6), "
                    "expires_at = now() + make_interval(secs => $7) "
                    "WHERE read_model = $1 AND purpose = $2 AND state = 'ready' AND as_of IS NOT NULL "
                    f"AND NOT {_LEASED} AND coalesce(expires_at > now(), true) RETURNING {_COLUMNS}",
                    read_model,
                    purpose,
                    new_purpose,
                    as_of,
                    self.owner,
                    LEASE_S,
                    expires_s,
                )
        except asyncpg.UniqueViolationError:
            raise GenerationExistsError(
                f"{read_model} has a generation {new_purpose!r} already; drop it first (annals generations), or choose "
                "another name"
            ) from None
        return None if row is None else RegisteredGeneration(**row)

    async def all(self) -> list[RegisteredGeneration]:
        """By read model, oldest first."""
        return await self._fetch("true ORDER BY read_model, created_at, id")

    async def get(self, generation_id: str) -> RegisteredGeneration:
        """By id. Raises GenerationNotFoundError."""
        found = await self.find_id(generation_id)
        if found is None:
            raise GenerationNotFoundError(f"there is no generation {generation_id!r}; annals generations lists them")
        return found

    async def find_id(self, generation_id: str) -> RegisteredGeneration | None:
        """The one of this id, whatever its state."""
        found = await self._fetch("id = $1", generation_id)
        return found[0] if found else None

    async def model_of(self, generation_id: str) -> str | None:
        """The revision of the model whose outputs it is made of; None where nobody said so."""
        found = await self.find_id(generation_id)
        return None if found is None else found.model_revision

    async def find(self, read_model: str, purpose: str) -> RegisteredGeneration | None:
        """The one of this purpose that is being built or ready."""
        found = await self._fetch(
            "read_model = $1 AND purpose = $2 AND state IN ('building', 'ready')", read_model, purpose
        )
        return found[0] if found else None

    async def live(self, read_model: str) -> RegisteredGeneration | None:
        """The one that is read."""
        found = await self._fetch("read_model = $1 AND state = 'live'", read_model)
        return found[0] if found else None

    async def serve(self, read_model: str, model_revision: str, *, anew: bool = False) -> None:
        """The live one is made of this model's outputs, where nobody said so yet. `anew`: whatever was said; it is
        empty.
        """
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.generations SET model_revision = $2 "
                "WHERE read_model = $1 AND state = 'live' AND ($3 OR model_revision IS NULL)",
                read_model,
                model_revision,
                anew,
            )

    async def have_live(
        self, read_model: str, schema_version: int, generation_id: str | None = None, *, keep_s: float = 0.0
    ) -> None:
        """Register the live one that is there. `generation_id`: where its server knows it, which then holds.

        Where that server switched and nobody could say so here, the one before is retired now, and kept for `keep_s`.
        """
        async with transaction(self._pool) as connection:
            await take_turn(connection, f"live generation of {read_model}")
            known = await connection.fetchval(
                "SELECT id FROM annals.generations WHERE read_model = $1 AND state = 'live'", read_model
            )
            if known is not None and generation_id in (None, known):
                return
            own = generation_id or new_id()
            await connection.execute(
                "INSERT INTO annals.generations (id, read_model, purpose, schema_version, state) "
                "VALUES ($1, $2, $1, $3, 'ready') ON CONFLICT (id) DO NOTHING",
                own,
                read_model,
                schema_version,
            )
            await self.switched(connection, own, keep_s)

    async def retired(self, read_model: str) -> RegisteredGeneration | None:
        """The one that was switched away from last, and is kept."""
        found = await self._fetch(
            "read_model = $1 AND state = 'retired' AND (expires_at IS NULL OR expires_at > now()) "
            "ORDER BY switched_at DESC, created_at DESC LIMIT 1",
            read_model,
        )
        return found[0] if found else None

    async def ready(self, generation_id: str, rows: int, position: int) -> None:
        """It is built, up to a position of the log."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.generations SET state = 'ready', rows = $2, position = $3 WHERE id = $1",
                generation_id,
                rows,
                position,
            )

    async def switched(self, connection: Connection, generation_id: str, keep_s: float) -> None:
        """It is the live one; the one before is retired, and kept for so long. No other one is kept besides."""
        others = "id <> $1 AND read_model = (SELECT read_model FROM annals.generations WHERE id = $1)"
        await connection.execute(
            f"UPDATE annals.generations SET expires_at = now() WHERE state = 'retired' AND {others}", generation_id
        )
        await connection.execute(
            "UPDATE annals.generations SET state = 'retired', purpose = 'old', switched_at = now(), "
            f"expires_at = now() + make_interval(secs => $2) WHERE state = 'live' AND {others}",
            generation_id,
            keep_s,
        )
        await connection.execute(
            "UPDATE annals.generations SET state = 'live', purpose = 'live', switched_at = now(), expires_at = NULL "
            "WHERE id = $1",
            generation_id,
        )

    async def expired(self) -> list[RegisteredGeneration]:
        """Those that are to be removed: nobody works on them."""
        return await self._fetch(
            f"state <> 'live' AND NOT {_LEASED} AND (expires_at < now() OR state = 'dropping') ORDER BY created_at"
        )

    async def begin_to_drop(self, generation_id: str) -> RegisteredGeneration:
        """It is nobody's any more, and being removed by this process.

        Raises GenerationNotFoundError, GenerationInUseError where it is live or another process works on it.
        """
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                "UPDATE annals.generations SET state = 'dropping', owner = $2, "
                "leased_until = now() + make_interval(secs => $3) "
                f"WHERE id = $1 AND state <> 'live' AND (NOT {_LEASED} OR owner = $2) RETURNING {_COLUMNS}",
                generation_id,
                self.owner,
                LEASE_S,
            )
        if row is not None:
            return RegisteredGeneration(**row)
        found = await self.get(generation_id)
        what = "is live" if found.state == "live" else f"is worked on by {found.owner}"
        raise GenerationInUseError(f"generation {generation_id} of {found.read_model} {what}; drop it when it is not")

    async def forget(self, generation_id: str) -> None:
        """It is gone."""
        async with acquire(self._pool) as connection:
            await connection.execute("DELETE FROM annals.generations WHERE id = $1", generation_id)

    async def take_over(self, generation_id: str, *, expires_s: float | None = None) -> bool:
        """Work on it from now on, whoever did: false where it is being dropped, or gone. `expires_s`: and keep it for
        so long.

        Only for who holds the lock of the work that it is for.
        """
        async with acquire(self._pool) as connection:
            taken = await connection.fetchval(
                "UPDATE annals.generations SET owner = $2, leased_until = now() + make_interval(secs => $3), "
                "expires_at = coalesce(now() + make_interval(secs => $4), expires_at) "
                "WHERE id = $1 AND state <> 'dropping' RETURNING true",
                generation_id,
                self.owner,
                LEASE_S,
                expires_s,
            )
        return bool(taken)

    async def schemas(self, beginning: str) -> list[str]:
        """What comes behind this beginning in the names of this database's schemas."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT substr(nspname, length($1) + 1) AS ending FROM pg_namespace "
                "WHERE starts_with(nspname::text, $1) ORDER BY nspname",
                beginning,
            )
        return [row["ending"] for row in rows]

    @contextlib.asynccontextmanager
    async def leased(self, generation_ids: Sequence[str]) -> AsyncIterator[None]:
        """Renew the lease of these, which this process has, for the length of the block; then give it back."""
        renewing = asyncio.create_task(self._renew(generation_ids))
        try:
            yield
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing
            # Where that fails the lease runs out.
            with contextlib.suppress(StoreUnavailableError):
                await self._lease(generation_ids, 0.0)

    async def _renew(self, generation_ids: Sequence[str]) -> None:
        while True:
            await asyncio.sleep(LEASE_S / BEATS)
            try:
                await self._lease(generation_ids, LEASE_S)
            except StoreUnavailableError as error:
                log.warning("the lease of a generation cannot be renewed now: %s", error)

    async def _lease(self, generation_ids: Sequence[str], seconds: float) -> None:
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.generations SET leased_until = now() + make_interval(secs => $3) "
                "WHERE id = ANY($1) AND owner = $2",
                list(generation_ids),
                self.owner,
                seconds,
            )

    async def _fetch(self, condition: str, *arguments: object) -> list[RegisteredGeneration]:
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(f"SELECT {_COLUMNS} FROM annals.generations WHERE {condition}", *arguments)
        return [RegisteredGeneration(**row) for row in rows]
