"""ServiceOrchestrator (specification 1.2): keeps as many instances of each service as its load asks for."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import httpx

from annals.orchestration.instance import ServiceProcess, health
from annals.supervision.process import Child, ProcessSpec
from contracts.errors import AnnalsError
from contracts.system import Health
from services.mesh.definition import (
    Machine,
    ServiceDefinition,
    ServiceScalingConfig,
    WrongServiceDefinitionError,
    check_resources,
    start_order,
)
from services.mesh.scaling import ScalingState, decide
from services.mesh.tls import MutualTls

log = logging.getLogger(__name__)

Report = Callable[[str, Health, str], Awaitable[None]]
"""Hears of each change of a service's health: its name, its health, and why."""


class Processes(Protocol):
    """What runs processes: `annals.supervision.supervisor.Supervisor`."""

    async def start_child(self, spec: ProcessSpec) -> Child:
        """Returns once it is ready. Raises RuntimeError, TimeoutError, OSError."""
        ...

    async def stop_child(self, child: Child) -> None:
        """End it, and forget it."""
        ...


@dataclass
class _Service:
    definition: ServiceDefinition
    scaling: ScalingState
    instances: list[ServiceProcess] = field(default_factory=list)
    health: Health = "healthy"
    changing: asyncio.Task[None] | None = None


class ServiceOrchestrator:
    """`spec_of` says how an instance is started, and at which address it serves; each call is for one more."""

    def __init__(
        self,
        definitions: Sequence[ServiceDefinition],
        processes: Processes,
        spec_of: Callable[[ServiceDefinition], tuple[ProcessSpec, str]],
        report: Report,
        machine: Machine | None = None,
        tls: MutualTls | None = None,
    ) -> None:
        """`tls`: by which instances are asked how they are. Raises WrongServiceDefinitionError."""
        self._machine = machine or Machine.here()
        ordered = start_order(definitions, self._machine)
        self._services = {one.name: _Service(one, ScalingState(one.scaling_config.least)) for one in ordered}
        self._processes, self._spec_of, self._report = processes, spec_of, report
        self._client = httpx.AsyncClient(trust_env=False, timeout=None, verify=True if tls is None else tls.client())
        self._watching: list[asyncio.Task[None]] = []

    @property
    def instances(self) -> Mapping[str, Sequence[ServiceProcess]]:
        """Those of each service."""
        return {name: tuple(service.instances) for name, service in self._services.items()}

    async def start(self) -> None:
        """Each service's least number, behind what it depends on; then watch. Raises AnnalsError."""
        try:
            for service in self._services.values():
                for _ in range(service.scaling.wanted):
                    await self._one_more(service)
        except (RuntimeError, TimeoutError, OSError) as error:
            await self.stop()
            raise AnnalsError(str(error)) from error
        except BaseException:
            await asyncio.shield(self.stop())
            raise
        self._watching = [asyncio.create_task(self._watch(service)) for service in self._services.values()]

    async def stop(self) -> None:
        """Stop all, each before what it depends on."""
        watching = [*self._watching, *(one.changing for one in self._services.values() if one.changing is not None)]
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        for service in reversed(self._services.values()):
            instances, service.instances = service.instances, []
            await asyncio.gather(*(self._processes.stop_child(one.child) for one in instances))
        await self._client.aclose()

    def rescale(self, name: str, scaling: ServiceScalingConfig) -> None:
        """Other bounds from now on. Raises WrongServiceDefinitionError, and all stays as it was."""
        service = self._services[name]
        definition = replace(service.definition, scaling_config=scaling)
        others = [one.definition for other, one in self._services.items() if other != name]
        start_order([*others, definition], self._machine)
        service.definition = definition

    async def _one_more(self, service: _Service) -> None:
        spec, address = self._spec_of(service.definition)

        async def ready() -> None:
            await health(self._client, address, service.definition.health_check.limit_s)

        child = await self._processes.start_child(replace(spec, ready=ready))
        service.instances.append(ServiceProcess(service.definition.name, address, child))

    async def _watch(self, service: _Service) -> None:
        while True:
            config = service.definition.health_check
            await asyncio.gather(*(one.check(self._client, config) for one in service.instances))
            await self._tell_health(service)
            if service.changing is None or service.changing.done():
                service.changing = asyncio.create_task(self._scale(service, time.monotonic()))
            await asyncio.sleep(config.every_s)

    async def _scale(self, service: _Service, now: float) -> None:
        healthy = [one for one in service.instances if one.is_healthy]
        load = sum(one.load for one in healthy) / len(healthy) if healthy else 0.0
        service.scaling = decide(service.scaling, service.definition.scaling_config, load, now)
        name = service.definition.name
        try:
            if len(service.instances) < service.scaling.wanted:
                self._check_room_for_one_more(service)
                log.info("%s: one more instance, the load is %.2f", name, load)
                await self._one_more(service)
            elif len(service.instances) > service.scaling.wanted:
                log.info("%s: one instance less, the load is %.2f", name, load)
                await self._processes.stop_child(service.instances.pop().child)
        except (RuntimeError, TimeoutError, OSError, WrongServiceDefinitionError) as error:
            service.scaling = ScalingState(len(service.instances))
            log.error("%s cannot be given another instance: %s", name, error)

    def _check_room_for_one_more(self, service: _Service) -> None:
        counts = [(one.definition, len(one.instances) + (one is service)) for one in self._services.values()]
        check_resources(counts, self._machine)

    async def _tell_health(self, service: _Service) -> None:
        healthy, wanted = sum(one.is_healthy for one in service.instances), len(service.instances)
        found: Health = "healthy" if healthy == wanted else "degraded" if healthy else "down"
        if found == service.health:
            return
        try:
            await self._report(service.definition.name, found, f"{healthy} of {wanted} instances answer")
            service.health = found
        except AnnalsError as error:  # said again with the next check
            log.warning("the health of %s is not recorded yet: %s", service.definition.name, error)
