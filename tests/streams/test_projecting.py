"""A projection as a handler: its position is kept where the relay finds it, and never before the read model's own."""

import asyncpg
import pytest

from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool
from eventstore.positions import ConsumerPositions
from eventstore.reader import EventReader
from projections.graph.model import LAYOUT, GraphModel
from projections.postgres.live import LivePostgresStore
from projections.projector import Projector
from streams.projecting import ProjectionHandler

PARTITION = ("annals.documents", 3)


@pytest.fixture
def store(pool: PostgresPool) -> LivePostgresStore:
    """Not made yet."""
    return LivePostgresStore(pool, LAYOUT)


@pytest.fixture
def handler(pool: PostgresPool, store: LivePostgresStore) -> ProjectionHandler:
    """Feeds the graph."""
    projector = Projector(GraphModel(), store, EventReader(pool))
    return ProjectionHandler(projector, ConsumerPositions(pool), topics())


async def test_the_position_is_kept_in_both_places(
    handler: ProjectionHandler, store: LivePostgresStore, pool: PostgresPool
) -> None:
    await store.open()
    await handler.handle([], {PARTITION: 17})
    await handler.handle([], {PARTITION: 11})
    assert await store.positions() == {PARTITION: 17}
    assert await ConsumerPositions(pool).of("graph") == {PARTITION: 17}


async def test_what_the_read_model_did_not_take_is_not_counted(
    handler: ProjectionHandler, store: LivePostgresStore, pool: PostgresPool
) -> None:
    await store.open()
    await pool.execute("DROP TABLE graph.positions")
    with pytest.raises((asyncpg.PostgresError, StoreUnavailableError)):
        await handler.handle([], {PARTITION: 17})
    assert await ConsumerPositions(pool).of("graph") == {}
