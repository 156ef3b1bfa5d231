"""The definitions of our own services, and how an instance of one is started."""

import sys

from annals.embedded.broker import free_port
from annals.pipeline import child_environment
from annals.roles import service_role
from annals.settings import Settings
from annals.supervision.process import ProcessSpec
from services.mesh.definition import ResourceRequirements, ServiceDefinition, ServiceEndpoint, ServiceScalingConfig
from services.mesh.operations import PROCESSING, REASONING, SERVICES, STORAGE, VERSION, operations_of

MEMORY_BYTES = {PROCESSING: 900 * 2**20, STORAGE: 200 * 2**20, REASONING: 1000 * 2**20}
"""Measured with the default models, rounded up."""
STOP_GRACE_S = 15.0
"""More than a service's own limit for requests that are under way."""


def definitions(settings: Settings) -> list[ServiceDefinition]:
    """Of the three services, with the bounds that the settings give."""
    return [
        ServiceDefinition(
            name=name,
            version=VERSION,
            endpoints=tuple(ServiceEndpoint(operation) for operation in operations_of(name)),
            scaling_config=scaling(settings),
            resource_requirements=ResourceRequirements(memory_bytes=MEMORY_BYTES[name]),
        )
        for name in SERVICES
    ]


def scaling(settings: Settings) -> ServiceScalingConfig:
    """Between `service_least` and `service_most`."""
    return ServiceScalingConfig(least=settings.service_least, most=settings.service_most)


def spec_of(settings: Settings, dsn: str, broker: str, definition: ServiceDefinition) -> tuple[ProcessSpec, str]:
    """One more instance, and its address: on this machine, at a free port."""
    port = free_port()
    env = child_environment(settings, dsn, broker)
    env |= {"ANNALS_SERVICE_PORT": str(port), "ANNALS_SERVICE_HOST": "127.0.0.1"}
    env.pop("ANNALS_METRICS_PORT", None)
    spec = ProcessSpec(
        role=service_role(definition.name),
        command=[sys.executable, "-m", "annals", "run", "service", definition.name],
        env=env,
        stop_grace_s=STOP_GRACE_S,
        log_file=settings.data / "logs" / f"{service_role(definition.name)}-{port}.log",
    )
    return spec, f"{'http' if settings.service_certificate is None else 'https'}://127.0.0.1:{port}"
