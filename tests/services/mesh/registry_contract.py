"""What every registry of services does."""

import asyncio
from dataclasses import replace

import pytest

from services.mesh.registry import Instance, ServiceRegistry

ONE = Instance("reasoning", "1" * 32, "1.0", "http://127.0.0.1:1", "key-1")
TWO = Instance("reasoning", "2" * 32, "1.0", "http://127.0.0.1:2", "key-2", load=0.5)
OTHER = Instance("storage", "3" * 32, "1.0", "http://127.0.0.1:3", "key-3")


class ServiceRegistryContract:
    """Subclass with a fixture `registry`: opened, and empty."""

    @pytest.fixture
    async def registry(self) -> ServiceRegistry:
        raise NotImplementedError

    async def test_who_renews_is_found_under_his_service(self, registry: ServiceRegistry) -> None:
        for instance in (TWO, ONE, OTHER):
            await registry.renew(instance, 60)
        assert await registry.instances("reasoning") == [ONE, TWO]
        assert await registry.instances("storage") == [OTHER]
        assert await registry.instances("processing") == []

    async def test_a_heartbeat_brings_the_load(self, registry: ServiceRegistry) -> None:
        await registry.renew(ONE, 60)
        await registry.renew(replace(ONE, load=0.75), 60)
        (found,) = await registry.instances("reasoning")
        assert found.load == 0.75

    async def test_a_lease_that_is_not_renewed_ends(self, registry: ServiceRegistry) -> None:
        await registry.renew(ONE, 0.1)
        await registry.renew(TWO, 60)
        async with asyncio.timeout(10):
            while await registry.instances("reasoning") != [TWO]:  # noqa: ASYNC110  # a lease ends by itself
                await asyncio.sleep(0.02)
        await registry.renew(ONE, 60)
        assert await registry.instances("reasoning") == [ONE, TWO]

    async def test_who_withdraws_is_gone_at_once(self, registry: ServiceRegistry) -> None:
        await registry.renew(ONE, 60)
        await registry.withdraw(ONE.instance)
        await registry.withdraw(TWO.instance)
        assert await registry.instances("reasoning") == []

    async def test_who_only_calls_others_serves_nobody(self, registry: ServiceRegistry) -> None:
        await registry.renew(replace(ONE, service="gateway", address=""), 60)
        assert await registry.instances("gateway") == []
