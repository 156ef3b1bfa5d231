"""Migrations: dense, in order, applied once; a database of the past is lifted, one of the future left alone."""

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.errors import MissingMigrationError, UnknownMigrationError
from eventstore.migrations import migrate, migrations_in
from eventstore.migrations.plan import dense, label, pending
from eventstore.pool import open_pool
from eventstore.reader import EventReader
from projections.graph.neo4j.migrations import MIGRATIONS as GRAPH
from tests.conftest import PostgresServer

OURS = migrations_in(files("eventstore.migrations"))
OLD = Path(__file__).parent / "data" / "database-0.1.0.sql"


class Step(NamedTuple):
    number: int
    name: str


def steps(count: int) -> list[Step]:
    return [Step(number, f"step_{number}") for number in range(1, count + 1)]


def test_ours_are_dense_and_in_order() -> None:
    assert len(dense(OURS)) >= 5
    dense(GRAPH)


@pytest.mark.parametrize("numbers", [(2,), (1, 3), (1, 2, 2), (2, 1), (1, 2, 50)])
def test_a_gap_or_a_number_given_twice_is_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="numbered 1, 2, 3"):
        dense([Step(number, "step") for number in numbers])


@given(st.integers(0, 20), st.integers(0, 20))
def test_what_is_to_do_is_what_is_behind_the_applied_ones(known: int, applied: int) -> None:
    there = dict(steps(applied))
    if applied > known:
        with pytest.raises(UnknownMigrationError, match=f"'step_{known + 1}', which this Annals does not know; update"):
            pending(steps(known), there, "the database")
    else:
        assert pending(steps(known), there, "the database") == steps(known)[applied:]


@given(st.sets(st.integers(1, 10), min_size=1), st.just(steps(10)))
def test_a_hole_is_never_filled_behind_later_ones(numbers: set[int], known: list[Step]) -> None:
    there = {number: f"step_{number}" for number in numbers}
    if numbers == set(range(1, len(numbers) + 1)):
        assert pending(known, there, "the graph") == known[len(numbers) :]
    else:
        with pytest.raises(MissingMigrationError, match="the graph lacks migration 'step_"):
            pending(known, there, "the graph")


def test_a_number_that_means_something_else_there_is_unknown() -> None:
    with pytest.raises(UnknownMigrationError, match="'other'"):
        pending(steps(2), {1: "step_1", 2: "other"}, "the database")


async def applied(dsn: str) -> dict[int, str]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        rows = await connection.fetch("SELECT number, name FROM annals.migrations ORDER BY number")
        return {row["number"]: row["name"] for row in rows}
    finally:
        await connection.close()


async def restore_old(postgres_server: PostgresServer, name: str) -> str:
    """A database as version 0.1.0 left it; returns its address."""
    admin = await asyncpg.connect(postgres_server.dsn("postgres"), timeout=10)
    try:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {name}")
    finally:
        await admin.close()
    dsn = postgres_server.dsn(name)
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(OLD.read_text("utf-8"))
    finally:
        await connection.close()
    return dsn


async def test_an_old_filled_database_is_lifted_once(postgres_server: PostgresServer) -> None:
    dsn = await restore_old(postgres_server, "old_log")
    assert 50 in await applied(dsn)
    done = await asyncio.gather(*(migrate(dsn) for _ in range(3)))
    assert sorted(done) == sorted([[], [], [label(migration) for migration in OURS[5:]]])
    assert await applied(dsn) == {migration.number: migration.name for migration in OURS}
    pool = await open_pool(dsn)
    try:
        events = await EventReader(pool).after(0, 1000)
    finally:
        await pool.close()
    assert [event.position for event in events] == list(range(1, 22))


async def test_a_database_of_the_future_is_left_as_it_is(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        number = len(OURS) + 1
        await connection.execute("INSERT INTO annals.migrations (number, name) VALUES ($1, 'tomorrow')", number)
        with pytest.raises(UnknownMigrationError, match="'tomorrow', which this Annals does not know; update it"):
            await migrate(dsn)
    finally:
        await connection.close()
