"""One process that serves one service, and what its health checks say."""

import asyncio
import contextlib
import logging
import os
import signal
import time

import httpx

from annals.supervision.process import Child
from services.mesh.definition import HealthCheckConfig

log = logging.getLogger(__name__)


class ServiceProcess:
    """A child that serves at an address. `load`: as it last said."""

    def __init__(self, service: str, address: str, child: Child) -> None:
        self.service, self.address, self.child = service, address, child
        self.load = 0.0
        self.is_healthy = False
        self._failures = 0
        self._starts = 0
        self._starting_until: float | None = None
        """Until it answered, or had its time for that."""

    async def check(self, client: httpx.AsyncClient, config: HealthCheckConfig) -> None:
        """Ask once; one that failed too often is killed, so that its keeper starts it again."""
        if self.child.starts != self._starts:  # its keeper started it anew
            self._starts, self._failures, self.is_healthy = self.child.starts, 0, False
            self._starting_until = time.monotonic() + config.start_s
        try:
            self.load = await health(client, self.address, config.limit_s)
            self.is_healthy, self._failures, self._starting_until = True, 0, None
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError):
            self._failures += 1
            if self._failures >= config.failures:
                self.is_healthy = False
                # Models take their time to load; one that answered before has loaded them.
                if self._starting_until is None or time.monotonic() > self._starting_until:
                    self._kill()

    def _kill(self) -> None:
        pid = self.child.pid
        self._failures = 0
        if pid is not None:
            log.warning("%s at %s does not answer; replacing it", self.service, self.address)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


async def health(client: httpx.AsyncClient, address: str, limit_s: float) -> float:
    """The load of the instance at this address. Raises httpx.HTTPError, TimeoutError, ValueError, KeyError."""
    async with asyncio.timeout(limit_s):
        response = await client.get(f"{address}/health")
    response.raise_for_status()
    return float(response.json()["load"])
