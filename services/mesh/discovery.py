"""ServiceDiscovery: the instances of a service, looked up once a moment, and kept while the registry is away."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from eventstore.errors import StoreUnavailableError, reason_of
from services.mesh.registry import Instance, ServiceRegistry

log = logging.getLogger(__name__)

FRESH_S = 1.0
LOOK_LIMIT_S = 3.0


@dataclass
class _Known:
    instances: Sequence[Instance] = ()
    until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ServiceDiscovery:
    """What is known is at most FRESH_S old, or as old as the registry's absence."""

    def __init__(self, registry: ServiceRegistry) -> None:
        self._registry = registry
        self._known: dict[str, _Known] = {}

    async def instances(self, service: str) -> Sequence[Instance]:
        """Those that live, as far as is known; none where nothing was ever known. Raises nothing."""
        known = self._known.setdefault(service, _Known())
        now = asyncio.get_running_loop().time
        if now() < known.until:
            return known.instances
        async with known.lock:
            if now() >= known.until:
                try:
                    async with asyncio.timeout(LOOK_LIMIT_S):
                        known.instances = await self._registry.instances(service)
                except (StoreUnavailableError, TimeoutError) as error:
                    log.warning("looking for %s goes on by what was known: %s", service, reason_of(error))
                known.until = now() + FRESH_S
        return known.instances

    def look_again(self, service: str) -> None:
        """What is known has proved wrong: the next call asks the registry."""
        if service in self._known:
            self._known[service].until = 0.0
