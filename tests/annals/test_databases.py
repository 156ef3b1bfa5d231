"""Rate limits in PostgreSQL, and the queries that need several databases, in the embedded profile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from annals.composition.stores import Stores, open_read_models, open_stores
from annals.settings import load_settings
from eventstore.access_version import AccessVersion, Version, count_change
from eventstore.pool import transaction
from services.rate_limits import Grant, PostgresRateLimits
from tests.annals.layer_contract import DatabaseIntegrationLayerContract
from tests.services.rate_limits_contract import RateLimitsContract


@pytest.fixture
async def services(dsn: str, tmp_path: Path) -> AsyncIterator[Stores]:
    async with open_stores(load_settings(data=tmp_path), dsn) as opened:
        await open_read_models(opened)
        yield opened


class TestPostgresLimits(RateLimitsContract):
    @pytest.fixture
    async def limits(self, services: Stores) -> PostgresRateLimits:
        return PostgresRateLimits(services.pool, services.access_version)

    async def test_is_taken_along_with_the_version_of_access_and_only_at_that_version(
        self, services: Stores, limits: PostgresRateLimits
    ) -> None:
        asked = "default", "ask", 3, 3600.0
        before = await services.access_version.current()
        assert await _remaining(limits.take_along(*asked, before)) == (before, 2)
        async with transaction(services.pool) as connection:
            await count_change(connection)
        version, grant = await limits.take_along(*asked, before) or (None, None)
        assert version == (before[0] + 1, before[1]) and grant is None
        assert await _remaining(limits.take_along(*asked, version)) == (version, 1), "nothing was taken meanwhile"

    async def test_many_with_and_without_a_version_at_once_take_no_more_than_there_is(
        self, services: Stores, limits: PostgresRateLimits
    ) -> None:
        asked, other = ("default", "ask", 7, 3600.0), ("default", "search", 2, 3600.0)
        version = await services.access_version.current()
        old = version[0] - 1, version[1]
        along = [limits.take_along(*asked, at) for at in (version, old) for _ in range(6)]
        found = await asyncio.gather(*along, *(limits.take_along(*other, version) for _ in range(4)))
        alone = await asyncio.gather(*(limits.take(*asked) for _ in range(4)))
        grants = [one[1] for one in found if one is not None]
        assert [grant is None for grant in grants] == [False] * 6 + [True] * 6 + [False] * 4
        assert sum(grant.allowed for grant in grants[:6] if grant is not None) == 6
        assert sum(grant.allowed for grant in grants[12:] if grant is not None) == 2
        assert sum(grant.allowed for grant in alone) == 1

    async def test_two_processes_take_many_at_once_and_neither_waits_for_the_other(
        self, services: Stores, limits: PostgresRateLimits, dsn: str
    ) -> None:
        elsewhere = AccessVersion(dsn)
        other = PostgresRateLimits(services.pool, elsewhere)
        subjects = [f"s{number}" for number in range(40)]
        grants = await asyncio.gather(
            *(
                process.take("default", subject, 3, 3600)
                for _ in range(4)
                for subject in subjects
                for process in (limits, other)
            ),
        )
        assert sum(grant.allowed for grant in grants) == 3 * len(subjects)
        await elsewhere.close()


async def _remaining(asking: Awaitable[tuple[Version, Grant | None] | None]) -> tuple[Version, int]:
    found = await asking
    assert found is not None and found[1] is not None and found[1].allowed
    return found[0], found[1].remaining


class TestLayer(DatabaseIntegrationLayerContract):
    @pytest.fixture
    async def services(self, services: Stores) -> Stores:
        return services
