"""Keeping an instance registered while it lives: a heartbeat, and a withdrawal at the end."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from eventstore.errors import StoreUnavailableError, reason_of
from services.mesh.registry import LEASE_S, Instance, ServiceRegistry

log = logging.getLogger(__name__)

BEATS = 3
"""Within one lease: two that fail cost nothing."""


@contextlib.asynccontextmanager
async def registered(
    registries: list[ServiceRegistry], instance: Instance, load: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[None]:
    """Registered for the block, in each registry. Raises StoreUnavailableError where that fails at first.

    Later a registry that is away is tried again with the next heartbeat; others go on by what they knew.
    """
    for registry in registries:
        await registry.renew(instance)
    beating = asyncio.create_task(_beat(registries, instance, load))
    try:
        yield
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        for registry in registries:
            with contextlib.suppress(StoreUnavailableError, TimeoutError):
                async with asyncio.timeout(LEASE_S / BEATS):
                    await registry.withdraw(instance.instance)


async def _beat(registries: list[ServiceRegistry], instance: Instance, load: Callable[[], float]) -> None:
    while True:
        await asyncio.sleep(LEASE_S / BEATS)
        for registry in registries:
            try:
                async with asyncio.timeout(LEASE_S / BEATS):
                    await registry.renew(replace(instance, load=load()))
            except (StoreUnavailableError, TimeoutError) as error:
                log.warning("%s cannot renew its lease: %s", instance.service, reason_of(error))
