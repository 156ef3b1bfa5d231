"""Real processes, started in order, watched, replaced, scaled and stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from annals.embedded.broker import free_port
from annals.orchestration.orchestrator import ServiceOrchestrator
from annals.supervision.process import ProcessSpec
from annals.supervision.supervisor import Supervisor
from contracts.errors import AnnalsError
from contracts.system import Health
from services.mesh.definition import (
    HealthCheckConfig,
    Machine,
    ResourceRequirements,
    ServiceDefinition,
    ServiceDependency,
    ServiceEndpoint,
    ServiceScalingConfig,
    WrongServiceDefinitionError,
)

pytestmark = pytest.mark.pipeline
CHECK = HealthCheckConfig(every_s=0.05, limit_s=1.0, failures=3, start_s=30.0)
SMALL = str(Path(__file__).with_name("small_service.py"))


def service(name: str, *dependencies: str, least: int = 1, most: int = 1) -> ServiceDefinition:
    return ServiceDefinition(
        name,
        "1.0",
        (ServiceEndpoint("query"),),
        tuple(ServiceDependency(one) for one in dependencies),
        CHECK,
        ServiceScalingConfig(least, most, up_after_s=0.2, down_after_s=0.4),
    )


class Running:
    """An orchestrator of small services over a real supervisor; `told` are the changes of health."""

    def __init__(self, data: Path) -> None:
        self.supervisor = Supervisor(data, [], {})
        self.machine = Machine(64, 2**40)
        self.load, self.order, self.told = data / "load", list[str](), list[tuple[str, Health, str]]()
        self.load.write_text("0.6")
        self.orchestrator: ServiceOrchestrator | None = None

    async def start(self, *definitions: ServiceDefinition) -> ServiceOrchestrator:
        self.orchestrator = ServiceOrchestrator(definitions, self.supervisor, self._spec, self._report, self.machine)
        await self.supervisor.start()
        await self.orchestrator.start()
        return self.orchestrator

    async def stop(self) -> None:
        if self.orchestrator is not None:
            await self.orchestrator.stop()
        await self.supervisor.stop()

    def pids(self, name: str) -> list[int]:
        return self.supervisor.state.processes.get(name, [])

    def _spec(self, definition: ServiceDefinition) -> tuple[ProcessSpec, str]:
        port = free_port()
        self.order.append(definition.name)
        command = [sys.executable, SMALL, str(port), str(self.load)]
        return ProcessSpec(definition.name, command, stop_grace_s=2), f"http://127.0.0.1:{port}"

    async def _report(self, name: str, health: Health, detail: str) -> None:
        self.told.append((name, health, detail))


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    made = Running(tmp_path)
    yield made
    await made.stop()


async def until(true: Callable[[], bool], limit_s: float = 30.0) -> None:
    async with asyncio.timeout(limit_s):
        while not true():  # noqa: ASYNC110  # processes tell nobody
            await asyncio.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_started_behind_what_they_depend_on_and_stopped_before_it(running: Running) -> None:
    orchestrator = await running.start(service("c", "b"), service("b", "a"), service("a", least=2, most=2))
    assert running.order == ["a", "a", "b", "c"]
    pids = {name: running.pids(name) for name in "abc"}
    assert [len(pids[name]) for name in "abc"] == [2, 1, 1]
    ended: list[str] = []
    stop_child = running.supervisor.stop_child

    async def noted(child):  # type: ignore[no-untyped-def]
        ended.append(child.spec.role)
        await stop_child(child)

    running.supervisor.stop_child = noted  # type: ignore[method-assign]
    await orchestrator.stop()
    assert ended == ["c", "b", "a", "a"]
    assert not any(is_alive(pid) for each in pids.values() for pid in each)
    assert running.supervisor.state.processes == {}
    running.orchestrator = None


async def test_one_that_was_killed_is_replaced_and_health_is_told(running: Running) -> None:
    orchestrator = await running.start(service("a", least=2, most=2), service("b"))
    await until(lambda: all(one.is_healthy for one in orchestrator.instances["a"]))
    (first, second), other = running.pids("a"), running.pids("b")
    os.kill(first, signal.SIGKILL)
    await until(lambda: len(set(running.pids("a")) - {first}) == 2)
    assert second in running.pids("a") and running.pids("b") == other
    await until(lambda: all(one.is_healthy for one in orchestrator.instances["a"]))


async def test_one_that_hangs_is_replaced(running: Running) -> None:
    orchestrator = await running.start(service("a"), service("b"))
    await until(lambda: orchestrator.instances["a"][0].is_healthy)
    (pid,) = running.pids("a")
    others = running.pids("b")
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: ("a", "down", "0 of 1 instances answer") in running.told)
    await until(lambda: running.pids("a") not in ([pid], []))
    await until(lambda: running.told[-1][:2] == ("a", "healthy"))
    assert running.pids("b") == others and "b" not in {name for name, _, _ in running.told}


async def test_grows_and_shrinks_with_its_load_between_its_bounds(running: Running) -> None:
    orchestrator = await running.start(service("a", least=1, most=3))
    running.load.write_text("0.95")
    await until(lambda: len(orchestrator.instances["a"]) == 3)
    running.load.write_text("0.1")
    await until(lambda: len(running.pids("a")) == 1)


async def test_grows_no_further_than_the_machine(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    running.machine = Machine(64, 250)
    large = replace(service("a", least=1, most=5), resource_requirements=ResourceRequirements(memory_bytes=100))
    orchestrator = await running.start(large)
    running.load.write_text("0.95")
    await until(lambda: "a cannot be given another instance: with a, services need" in caplog.text)
    assert len(orchestrator.instances["a"]) == 2


async def test_other_bounds_while_it_runs(running: Running) -> None:
    orchestrator = await running.start(service("a"))
    orchestrator.rescale("a", ServiceScalingConfig(2, 3))
    await until(lambda: len(running.pids("a")) == 2)
    with pytest.raises(WrongServiceDefinitionError, match="a has from 3 to 2"):
        orchestrator.rescale("a", ServiceScalingConfig(3, 2))
    orchestrator.rescale("a", ServiceScalingConfig(1, 1))
    await until(lambda: len(running.pids("a")) == 1)


async def test_where_one_cannot_be_started_none_is_left(running: Running) -> None:
    class Broken(Running):
        def _spec(self, definition: ServiceDefinition) -> tuple[ProcessSpec, str]:
            spec, address = super()._spec(definition)
            return (
                replace(spec, command=[sys.executable, "-c", "raise SystemExit('no model')"])
                if definition.name == "b"
                else spec
            ), address

    folder = running.load.parent / "broken"
    folder.mkdir()
    broken = Broken(folder)
    with pytest.raises(AnnalsError, match="b ended while starting"):
        await broken.start(service("a"), service("b", "a"))
    assert broken.supervisor.state.processes == {}
    broken.orchestrator = None
    await broken.stop()
