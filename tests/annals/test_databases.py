"""Rate limits in PostgreSQL, and the queries that need several databases, in the embedded profile."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from annals.composition.stores import Stores, open_read_models, open_stores
from annals.settings import load_settings
from services.rate_limits import PostgresRateLimits, RateLimits
from tests.annals.layer_contract import DatabaseIntegrationLayerContract
from tests.services.rate_limits_contract import RateLimitsContract


@pytest.fixture
async def services(dsn: str, tmp_path: Path) -> AsyncIterator[Stores]:
    async with open_stores(load_settings(data=tmp_path), dsn) as opened:
        await open_read_models(opened)
        yield opened


class TestPostgresLimits(RateLimitsContract):
    @pytest.fixture
    async def limits(self, services: Stores) -> RateLimits:
        return PostgresRateLimits(services.pool)


class TestLayer(DatabaseIntegrationLayerContract):
    @pytest.fixture
    async def services(self, services: Stores) -> Stores:
        return services
