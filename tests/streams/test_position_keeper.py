"""Positions of many batches are kept together, the newest of each, and wait while the database is away."""

import asyncio
from collections.abc import Mapping

import pytest

from contracts.topics import Partition
from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool
from eventstore.positions import ConsumerPositions
from streams import position_keeper
from streams.position_keeper import PositionKeeper

ONE, OTHER = ("annals.documents", 0), ("annals.documents", 1)


class Counting(PositionKeeper):
    """Counts what it writes; the first so many times the database is away."""

    def __init__(self, pool: PostgresPool, *, away: int = 0) -> None:
        super().__init__(pool)
        self.writes = 0
        self._away = away

    async def advance_all(self, positions: Mapping[str, Mapping[Partition, int]]) -> None:
        """As the keeper's."""
        self.writes += 1
        if self.writes <= self._away:
            raise StoreUnavailableError("it is away")
        await super().advance_all(positions)


async def until_kept(pool: PostgresPool, consumer: str, wanted: Mapping[Partition, int]) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(30):
        while await ConsumerPositions(pool).of(consumer) != wanted:  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.01)


async def test_many_batches_of_several_consumers_are_few_writes(pool: PostgresPool) -> None:
    keeper = Counting(pool)
    for position in range(1, 101):
        await keeper.advance("chunking", {ONE: position})
        await keeper.advance("entities", {ONE: position, OTHER: 101 - position})
        await asyncio.sleep(0)
    await until_kept(pool, "chunking", {ONE: 100})
    await until_kept(pool, "entities", {ONE: 100, OTHER: 100})
    assert keeper.writes <= 3


async def test_what_comes_after_a_while_is_kept_at_once(pool: PostgresPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(position_keeper, "PAUSE_S", 0.01)
    keeper = Counting(pool)
    for given, kept in ((5, 5), (7, 7), (6, 7), (8, 8)):
        await keeper.advance("chunking", {ONE: given})
        await until_kept(pool, "chunking", {ONE: kept})


async def test_they_wait_while_the_database_is_away(pool: PostgresPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(position_keeper, "PAUSE_S", 0.01)
    keeper = Counting(pool, away=2)
    await keeper.advance("chunking", {ONE: 5})
    await asyncio.sleep(0)
    await keeper.advance("chunking", {ONE: 4, OTHER: 9})
    await until_kept(pool, "chunking", {ONE: 5, OTHER: 9})
    assert keeper.writes >= 3
