"""The services of `annals up`, where they run in processes of their own."""

import contextlib
import logging
from collections.abc import AsyncIterator

from annals.composition.use_cases import open_use_cases
from annals.orchestration.orchestrator import ServiceOrchestrator
from annals.orchestration.services import definitions, scaling, spec_of
from annals.service_tls import tls_of
from annals.settings import Settings
from annals.supervision.supervisor import Supervisor
from contracts.system import Health
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.mesh.definition import WrongServiceDefinitionError

log = logging.getLogger(__name__)

REPORT_LIMIT_S = 5.0


def rescale(orchestrator: ServiceOrchestrator, settings: Settings) -> None:
    """Other bounds for every service from now on. Where they cannot be, that is told, and nothing changes."""
    for name in orchestrator.instances:
        try:
            orchestrator.rescale(name, scaling(settings))
        except WrongServiceDefinitionError as error:
            log.error("%s", error)


@contextlib.asynccontextmanager
async def orchestrated(settings: Settings, supervisor: Supervisor) -> AsyncIterator[ServiceOrchestrator]:
    """Started, and watched for the block. Raises WrongServiceDefinitionError, AnnalsError, StoreUnavailableError."""
    addresses = supervisor.state.addresses
    caller = Caller(settings.tenant, "annals", "orchestrator", FULL_ACCESS)
    async with open_use_cases(settings, addresses["postgres"], read_models=False) as use_cases:

        async def report(name: str, health: Health, detail: str) -> None:
            deadline = Deadline.after(REPORT_LIMIT_S)
            await use_cases.operations.system_health.report(caller, f"service/{name}", health, detail, deadline)

        orchestrator = ServiceOrchestrator(
            definitions(settings),
            supervisor,
            lambda definition: spec_of(settings, addresses["postgres"], addresses["broker"], definition),
            report,
            tls=tls_of(settings),
        )
        await orchestrator.start()
        try:
            yield orchestrator
        finally:
            await orchestrator.stop()
