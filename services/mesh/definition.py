"""ServiceDefinition (specification 1.2), and what is checked of definitions before anything is started."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

import psutil

from contracts.errors import AnnalsError


class WrongServiceDefinitionError(AnnalsError):
    """A service cannot be run as it is defined; mend what the message names."""


@dataclass(frozen=True, slots=True)
class ServiceEndpoint:
    """An operation, and the port that it is served at; 0 takes a free one, and so can have several instances."""

    operation: str
    port: int = 0


@dataclass(frozen=True, slots=True)
class ServiceDependency:
    """A service that is to be healthy before."""

    service: str


@dataclass(frozen=True, slots=True)
class HealthCheckConfig:
    """Asked every `every_s` and given `limit_s`; after `failures` in a row an instance is replaced.

    A new instance has `start_s` to load its models.
    """

    every_s: float = 2.0
    limit_s: float = 2.0
    failures: int = 3
    start_s: float = 120.0


@dataclass(frozen=True, slots=True)
class ServiceScalingConfig:
    """From `least` to `most` instances. One more when the mean load was over `up_at` for `up_after_s`.

    One less when it was so low for `down_after_s` that the others' would stay under `down_at`.
    """

    least: int = 1
    most: int = 1
    up_at: float = 0.8
    down_at: float = 0.5
    up_after_s: float = 10.0
    down_after_s: float = 120.0


@dataclass(frozen=True, slots=True)
class ResourceRequirements:
    """Of one instance."""

    cores: float = 0.1
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """The seven fields of the specification."""

    name: str
    version: str
    endpoints: tuple[ServiceEndpoint, ...]
    dependencies: tuple[ServiceDependency, ...] = ()
    health_check: HealthCheckConfig = field(default_factory=HealthCheckConfig)
    scaling_config: ServiceScalingConfig = field(default_factory=ServiceScalingConfig)
    resource_requirements: ResourceRequirements = field(default_factory=ResourceRequirements)


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is for services to share."""

    cores: int
    memory_bytes: int

    @classmethod
    def here(cls) -> "Machine":
        """This one."""
        return cls(psutil.cpu_count() or 1, psutil.virtual_memory().total)


def start_order(definitions: Sequence[ServiceDefinition], machine: Machine) -> list[ServiceDefinition]:
    """Each behind what it depends on; the others in the order given.

    Raises WrongServiceDefinitionError for a name twice, bounds that cross, an unknown dependency, a cycle of them, a
    port twice, and more than the machine has.
    """
    by_name = {definition.name: definition for definition in definitions}
    if len(by_name) < len(definitions):
        names = [definition.name for definition in definitions]
        twice = next(name for name in names if names.count(name) > 1)
        raise WrongServiceDefinitionError(f"the service {twice} is defined twice; leave one out")
    for definition in definitions:
        _check_bounds(definition)
        for dependency in definition.dependencies:
            if dependency.service not in by_name:
                raise WrongServiceDefinitionError(
                    f"{definition.name} depends on {dependency.service}, which is not defined; define it too"
                )
    _check_ports(definitions)
    check_resources(((one, one.scaling_config.least) for one in definitions), machine)
    try:
        order = TopologicalSorter(
            {
                definition.name: [dependency.service for dependency in definition.dependencies]
                for definition in definitions
            }
        ).static_order()
        return [by_name[name] for name in order]
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        raise WrongServiceDefinitionError(f"services depend on each other: {cycle}; cut the cycle") from None


def _check_bounds(definition: ServiceDefinition) -> None:
    scaling = definition.scaling_config
    if not 1 <= scaling.least <= scaling.most:
        raise WrongServiceDefinitionError(
            f"{definition.name} has from {scaling.least} to {scaling.most} instances; "
            "set least to 1 or more, and most to no less"
        )
    if not 0.0 < scaling.down_at < scaling.up_at:
        raise WrongServiceDefinitionError(
            f"{definition.name} grows at a load of {scaling.up_at:g} and shrinks at {scaling.down_at:g}; "
            "set down_at above 0 and below up_at"
        )


def _check_ports(definitions: Sequence[ServiceDefinition]) -> None:
    taken: dict[int, str] = {}
    for definition in definitions:
        for port in sorted({endpoint.port for endpoint in definition.endpoints if endpoint.port}):
            if port in taken:
                raise WrongServiceDefinitionError(
                    f"{taken[port]} and {definition.name} both have port {port}; give one of them another"
                )
            taken[port] = definition.name
            if definition.scaling_config.most > 1:
                raise WrongServiceDefinitionError(
                    f"up to {definition.scaling_config.most} instances of {definition.name} would have port {port}; "
                    "set it to 0, which takes a free one for each"
                )


def check_resources(counts: Iterable[tuple[ServiceDefinition, int]], machine: Machine) -> None:
    """What so many instances of each need together. Raises WrongServiceDefinitionError that names the one too many."""
    cores, memory = 0.0, 0
    for definition, count in counts:
        needs = definition.resource_requirements
        cores += needs.cores * count
        memory += needs.memory_bytes * count
        if cores > machine.cores:
            raise WrongServiceDefinitionError(
                f"with {definition.name}, services need {cores:g} cores and the machine has {machine.cores}; "
                "run fewer instances, or some on another machine"
            )
        if memory > machine.memory_bytes:
            raise WrongServiceDefinitionError(
                f"with {definition.name}, services need {memory / 2**20:,.0f} MiB of memory and the machine has "
                f"{machine.memory_bytes / 2**20:,.0f}; run fewer instances, or some on another machine"
            )
