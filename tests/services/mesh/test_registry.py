"""The registry in PostgreSQL, and the keys that it holds."""

from dataclasses import replace

import pytest

from eventstore.pool import PostgresPool
from services.mesh.registry import KnownKeys, PostgresServiceRegistry
from tests.services.mesh.registry_contract import ONE, ServiceRegistryContract


@pytest.fixture
async def registry(pool: PostgresPool) -> PostgresServiceRegistry:
    opened = PostgresServiceRegistry(pool)
    await opened.open()
    await opened.open()
    return opened


class TestPostgresServiceRegistry(ServiceRegistryContract):
    @pytest.fixture
    async def registry(self, registry: PostgresServiceRegistry) -> PostgresServiceRegistry:
        return registry


async def test_a_key_is_found_while_its_lease_lasts(registry: PostgresServiceRegistry) -> None:
    await registry.renew(replace(ONE, address=""), 60)
    found = await registry.find(ONE.instance)
    assert found is not None and (found.service, found.public_key) == ("reasoning", "key-1")
    await registry.withdraw(ONE.instance)
    assert await registry.find(ONE.instance) is None


async def test_nobody_takes_over_an_instance_with_another_key(registry: PostgresServiceRegistry) -> None:
    await registry.renew(ONE, 60)
    await registry.renew(replace(ONE, public_key="thief", address="http://127.0.0.1:9"), 60)
    assert await registry.find(ONE.instance) == ONE


async def test_known_keys_ask_once(registry: PostgresServiceRegistry) -> None:
    class Counting:
        asked = 0

        async def find(self, instance: str) -> object:
            self.asked += 1
            return await registry.find(instance)

    counting = Counting()
    known = KnownKeys(counting)  # type: ignore[arg-type]
    assert await known.find(ONE.instance) is None
    await registry.renew(ONE, 60)
    for _ in range(3):
        assert await known.find(ONE.instance) == ONE
    assert counting.asked == 2
