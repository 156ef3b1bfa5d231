"""The services of `annals up`, where they run in processes of their own."""

import contextlib
from collections.abc import AsyncIterator

from annals.composition.use_cases import open_use_cases
from annals.orchestration.orchestrator import ServiceOrchestrator
from annals.orchestration.services import definitions, spec_of
from annals.settings import Settings
from annals.supervision.supervisor import Supervisor
from contracts.system import Health
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline

REPORT_LIMIT_S = 5.0


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
        )
        await orchestrator.start()
        try:
            yield orchestrator
        finally:
            await orchestrator.stop()
