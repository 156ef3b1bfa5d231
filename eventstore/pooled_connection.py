"""Connections of a pool, which asks once what PostgreSQL's own types are made of."""

from collections.abc import Collection
from typing import Any, NamedTuple

import asyncpg

FIRST_NORMAL_OID = 16_384
"""Types of lower numbers are PostgreSQL's own, the same in every database of a server (`access/transam.h`)."""


class _Statement(NamedTuple):
    """In place of the statement that would have asked; asyncpg looks whether it has a name of its own."""

    name: str


def pooled_connections() -> type[asyncpg.Connection]:
    """A class of connections that share what they learn.

    Of arrays asyncpg knows few but that of texts. Each connection asks what each of the others is made of: a recursive
    query over the catalogue, ten milliseconds of a server, between two that set compilation off and on again.
    """
    learned: dict[frozenset[int], Any] = {}

    class PooledConnection(asyncpg.Connection):
        async def _introspect_types(self, typeoids: Collection[int], limit_s: float | None) -> Any:
            wanted = frozenset(typeoids)
            if wanted in learned:
                return learned[wanted], _Statement("asked by another connection")
            rows, statement = await super()._introspect_types(typeoids, limit_s)  # type: ignore[misc]
            if max(wanted) < FIRST_NORMAL_OID:
                learned[wanted] = rows
            return rows, statement

    return PooledConnection
