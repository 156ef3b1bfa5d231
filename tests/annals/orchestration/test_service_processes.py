"""The storage service in processes of its own, called over RPC, while processes are killed: nothing is lost."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import pytest_asyncio

from annals.composition.master_keys import open_master_key, stream_keys
from annals.composition.service_layer import ServiceLayer
from annals.composition.use_cases import UseCases, open_use_cases
from annals.orchestration.orchestrator import ServiceOrchestrator
from annals.orchestration.services import definitions, spec_of
from annals.settings import Settings
from annals.supervision.supervisor import Supervisor
from contracts.system import Health, SystemHealthChanged
from eventstore.pool import open_pool
from eventstore.reader import EventReader
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError
from services.mesh.definition import HealthCheckConfig, Machine, ServiceScalingConfig
from services.mesh.errors import ServiceUnavailableError
from services.mesh.operations import STORAGE
from services.storage.interface import StoreDocumentRequest
from tests.annals.orchestration.test_orchestrator import until
from tests.conftest import PostgresServer
from tests.gateway.real import database

pytestmark = [pytest.mark.pipeline, pytest.mark.asyncio(loop_scope="module")]
CALLER = Caller("default", "ada", "http", FULL_ACCESS, correlation_id="request-1")


shared = pytest_asyncio.fixture(scope="module", loop_scope="module")
"""What all tests here use: starting two processes takes longer than most of them."""


@pytest.fixture(scope="module")
def dsn(postgres_server: PostgresServer) -> Iterator[str]:
    with database(postgres_server, "service_processes") as made:
        yield made


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data=tmp_path_factory.mktemp("services"), services="processes")  # type: ignore[call-arg]


@shared
async def use_cases(settings: Settings, dsn: str) -> AsyncIterator[UseCases]:
    async with open_use_cases(settings, dsn) as opened:
        yield opened


@shared
async def reader(settings: Settings, dsn: str) -> AsyncIterator[EventReader]:
    pool = await open_pool(dsn)
    async with open_master_key(settings) as master:
        yield EventReader(pool, await stream_keys(settings, pool, master))
    await pool.close()


@shared
async def supervisor(settings: Settings) -> AsyncIterator[Supervisor]:
    made = Supervisor(settings.data, [], {})
    await made.start()
    yield made
    await made.stop()


@shared
async def orchestrator(
    use_cases: UseCases, supervisor: Supervisor, settings: Settings, dsn: str
) -> AsyncIterator[ServiceOrchestrator]:
    (storage,) = (one for one in definitions(settings) if one.name == STORAGE)
    two = replace(
        storage,
        scaling_config=ServiceScalingConfig(2, 2),
        health_check=HealthCheckConfig(every_s=0.2, limit_s=2.0, failures=3),
    )

    async def report(name: str, health: Health, detail: str) -> None:
        await use_cases.operations.system_health.report(CALLER, f"service/{name}", health, detail, Deadline.after(5))

    made = ServiceOrchestrator(
        [two],
        supervisor,
        lambda definition: spec_of(settings, dsn, "127.0.0.1:1", definition),
        report,
        Machine(64, 2**40),
    )
    await made.start()
    yield made
    await made.stop()


@shared
async def services(use_cases: UseCases, orchestrator: ServiceOrchestrator) -> ServiceLayer:
    return use_cases.services


@pytest_asyncio.fixture(loop_scope="module")
async def layer(services: ServiceLayer, orchestrator: ServiceOrchestrator, use_cases: UseCases) -> ServiceLayer:
    """Two instances are there and answer, whatever the test before did to them."""

    async def both() -> bool:
        healthy = [one.is_healthy for one in orchestrator.instances[STORAGE]]
        return healthy == [True, True] and len(await use_cases.registries.keys.instances(STORAGE)) >= 2

    async with asyncio.timeout(60):
        while not await both():  # noqa: ASYNC110  # processes tell nobody
            await asyncio.sleep(0.05)
    return services


async def test_a_killed_instance_is_left_out_and_replaced_and_no_request_is_lost(
    use_cases: UseCases, supervisor: Supervisor, layer: ServiceLayer, reader: EventReader
) -> None:
    keys = use_cases.registries.keys
    stored: list[str] = []
    stopping = asyncio.Event()

    async def ask(number: int) -> None:
        while not stopping.is_set():
            name = f"document-{number}-{len(stored)}"
            answer = await layer.storage.store_document(
                CALLER, StoreDocumentRequest(name, "T", f"Text of {name}."), Deadline.after(20)
            )
            assert answer.outcome in ("ingested", "duplicate")
            stored.append(name)

    async with asyncio.timeout(90):
        asking = [asyncio.create_task(ask(number)) for number in range(4)]
        await until(lambda: len(stored) >= 20)
        before = {one.instance for one in await keys.instances(STORAGE)}
        assert len(before) == 2
        (victim, _) = supervisor.state.processes["service-storage"]
        os.kill(victim, signal.SIGKILL)
        killed_at = len(stored)
        await until(lambda: len(stored) >= killed_at + 20)
        while True:
            now = {one.instance for one in await keys.instances(STORAGE)}
            if len(now) == 2 and len(now & before) == 1:
                break
            await asyncio.sleep(0.1)
        replaced_at = len(stored)
        await until(lambda: len(stored) >= replaced_at + 20)
        stopping.set()
        await asyncio.gather(*asking)  # raises what any of them met
    # Each is stored, and once.
    events = [event for event in await reader.after(0, 10_000) if event.aggregate_id.startswith("document-")]
    assert sorted(event.aggregate_id for event in events) == sorted(stored)
    assert {event.correlation_id for event in events} == {"request-1"}
    assert {event.metadata.source for event in events} == {"http"}


async def test_calls_wait_for_the_successors_of_instances_that_were_all_killed(
    supervisor: Supervisor, layer: ServiceLayer
) -> None:
    for pid in supervisor.state.processes["service-storage"]:
        os.kill(pid, signal.SIGKILL)
    requests = [StoreDocumentRequest(f"d{number}", "T", "Text.") for number in range(8)]
    answers = await asyncio.gather(
        *(layer.storage.store_document(CALLER, request, Deadline.after(40)) for request in requests)
    )
    assert [answer.outcome for answer in answers] == ["ingested"] * 8


async def test_a_change_of_health_is_an_event(
    use_cases: UseCases, supervisor: Supervisor, layer: ServiceLayer, reader: EventReader
) -> None:
    async def changes() -> list[str]:
        events = await reader.of_aggregate("default", "system", "service/storage")
        return [event.event_data.health for event in events if isinstance(event.event_data, SystemHealthChanged)]

    before = len(await changes())
    for pid in supervisor.state.processes["service-storage"]:
        os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(90):
        # What is told late of the test before comes first.
        while "down" not in (told := (await changes())[before:]) or told[-1] != "healthy":  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_service_without_an_instance_is_named(use_cases: UseCases, layer: ServiceLayer) -> None:
    with pytest.raises(ServiceUnavailableError, match="the service processing has no instance"):
        await use_cases.check_services()


async def test_rights_are_decided_anew_in_the_service(use_cases: UseCases, layer: ServiceLayer) -> None:
    from datetime import UTC, datetime

    from security.principal import Principal

    for roles, allowed in ((("administrator",), True), ((), False)):
        principal = Principal("bob", "user", "default", roles, None, "key-1")
        access = await use_cases.security.policies.access_of(principal, "127.0.0.1", datetime.now(UTC))
        caller = Caller("default", "bob", "http", access)
        request = StoreDocumentRequest(f"of-bob-{allowed}", "T", "Text.")
        if allowed:
            assert (await layer.storage.store_document(caller, request, Deadline.after(20))).outcome == "ingested"
        else:
            with pytest.raises(AccessDeniedError, match="bob may not write documents"):
                await layer.storage.store_document(caller, request, Deadline.after(20))
