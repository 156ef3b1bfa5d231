"""Rate limits in PostgreSQL, the health of pools, and the queries that need several databases."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from annals.composition import Services, open_read_models, open_services
from annals.databases.connections import open_connections
from annals.databases.limits import PostgresRateLimits, RateLimits
from annals.errors import NotFoundError
from annals.settings import load_settings
from tests.annals.limits_contract import RateLimitsContract
from tests.conftest import PostgresServer
from tests.projections.history import History, open_history
from tests.projections.stories import Story

ADA = Story("ada", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
EVE = Story("eve", ("Cleo knew Dora.",), title="Market")


@pytest.fixture
async def services(dsn: str, tmp_path: Path) -> AsyncIterator[Services]:
    async with open_services(load_settings(data=tmp_path), dsn) as opened:
        await open_read_models(opened)
        yield opened


@pytest.fixture
async def history(dsn: str) -> AsyncIterator[History]:
    async with open_history(dsn) as opened:
        yield opened


class TestPostgresLimits(RateLimitsContract):
    @pytest.fixture
    async def limits(self, services: Services) -> RateLimits:
        return PostgresRateLimits(services.pool)


async def projected(services: Services, history: History, *stories: Story) -> int:
    events = await history.tell(*stories)
    for projection in services.projections.values():
        own = [event for event in events if event.event_type in projection.model.event_types]
        await projection.projector.apply(own, {("annals.documents", 0): events[-1].position or 0})
    return events[-1].position or 0


async def test_a_document_with_what_every_database_knows_of_it(services: Services, history: History) -> None:
    position = await projected(services, history, ADA, EVE)
    answered = await services.databases.document_with_entities("default", "ada")
    assert answered.result.document.title == "Harbour"
    assert {"Ada", "Bob", "Cleo"} <= {entity.name for entity in answered.result.entities}
    assert "Dora" not in {entity.name for entity in answered.result.entities}
    assert [chunk.text for chunk in answered.result.chunks] == ["Ada met Bob.", "Bob saw Cleo."]
    assert dict(answered.positions) == {"relational": position, "graph": position, "vector": position}


async def test_a_document_that_is_not_there(services: Services) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        await services.databases.document_with_entities("default", "nobody")


async def test_semantic_search_finds_the_nearest_first(services: Services, history: History) -> None:
    await projected(services, history, ADA, EVE)
    wanted = np.frombuffer(EVE.outputs[EVE.chunks[0].input_digest], dtype="<f2").astype(np.float32)
    answered = await services.databases.semantic_search("default", wanted.tolist(), k=3)
    assert answered.result[0].passage.document_id == "eve"
    assert answered.result[0].score > 0.99
    nothing = await services.databases.semantic_search("default", wanted.tolist(), {"language": "tlh"})
    assert nothing.result == []


async def test_a_traversal_reaches_what_is_near(services: Services, history: History) -> None:
    await projected(services, history, ADA, EVE)
    answered = await services.databases.graph_traversal("default", ["Ada"], max_hops=1)
    names = {reached.entity.name: reached.hops for reached in answered.result}
    assert names["Ada"] == 0
    assert names["Bob"] == 1
    assert "Dora" not in names
    assert "graph" in answered.positions


async def test_pools_say_how_they_fare(services: Services) -> None:
    report = await services.connections.monitor_pool_health()
    assert report.overall == "healthy"
    stats = report.pools["postgres"]
    assert stats.limit == services.settings.pool_size
    assert stats.acquired is not None and stats.acquired > 0
    assert stats.total >= stats.active + stats.idle - 1


async def test_a_server_that_is_away_is_down_in_the_report(
    postgres_server: PostgresServer, dsn: str, tmp_path: Path
) -> None:
    async with open_connections(load_settings(data=tmp_path), dsn) as connections:
        postgres_server.kill()
        try:
            report = await connections.monitor_pool_health()
            assert report.overall == "down"
            assert report.pools["postgres"].error
        finally:
            await asyncio.to_thread(postgres_server.start)
        # Nothing above it was restarted: the pool connects again by itself.
        assert (await connections.monitor_pool_health()).overall == "healthy"
