"""A service that hangs, as a process of its own on loopback: others are unharmed, and its breaker opens and closes."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eventstore.pool import PostgresPool, open_pool
from security.access import FULL_ACCESS
from security.service_tokens import ServiceIdentity
from services.caller import Caller
from services.deadline import Deadline, DeadlineExceededError
from services.mesh.discovery import ServiceDiscovery
from services.mesh.errors import ServiceUnavailableError
from services.mesh.lease import registered
from services.mesh.registry import Instance, PostgresServiceRegistry
from services.mesh.remote import RemoteAiProcessing, RemoteStorage
from services.mesh.rpc_client import RpcClient
from services.processing.interface import SemanticChunkingRequest
from services.storage.interface import StoreDocumentRequest
from tests.annals.pipeline import ANNALS, ROOT, environment

pytestmark = pytest.mark.pipeline
CALLER = Caller("default", "ada", "http", FULL_ACCESS)


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[PostgresPool]:
    opened = await open_pool(dsn)
    yield opened
    await opened.close()


@pytest.fixture
async def processes(dsn: str, tmp_path: Path) -> AsyncIterator[dict[str, "subprocess.Popen[bytes]"]]:
    """`storage` and `processing`, each as `annals run service` starts it."""
    started = {}
    for name in ("storage", "processing"):
        with (tmp_path / f"{name}.log").open("wb") as output:
            started[name] = subprocess.Popen(  # noqa: ASYNC220
                [*ANNALS, "run", "service", name, "--data", str(tmp_path)],
                cwd=ROOT,
                env=environment({"ANNALS_POSTGRES": dsn, "ANNALS_BROKER": "127.0.0.1:1"}),
                stdout=output,
                stderr=output,
            )
    yield started
    for process in started.values():
        process.send_signal(signal.SIGCONT)
        process.terminate()
    assert [process.wait(30) for process in started.values()] == [0, 0]


async def test_others_are_unharmed_and_the_breaker_opens_and_closes_by_itself(
    pool: PostgresPool, processes: dict[str, "subprocess.Popen[bytes]"]
) -> None:
    registry, identity = PostgresServiceRegistry(pool), ServiceIdentity("gateway")
    await registry.open()
    async with asyncio.timeout(60):
        for name in processes:
            while not await registry.instances(name):
                assert all(process.poll() is None for process in processes.values())
                await asyncio.sleep(0.1)
    client = RpcClient(identity, ServiceDiscovery(registry), open_s=5.0)
    storage, processing = RemoteStorage(client), RemoteAiProcessing(client)

    async def store(limit_s: float) -> str:
        request = StoreDocumentRequest(f"d-{time.monotonic_ns()}", "T", "Text.")
        return (await storage.store_document(CALLER, request, Deadline.after(limit_s))).outcome

    async def cut() -> int:
        return len((await processing.create_chunks(CALLER, SemanticChunkingRequest("Ada."), Deadline.after(10))).chunks)

    own = Instance("gateway", identity.peer.instance, "1", "", identity.public_key)
    async with registered([registry], own):
        assert await store(10) == "ingested" and await cut() == 1
        os.kill(processes["storage"].pid, signal.SIGSTOP)
        hanging = [asyncio.create_task(store(1.0)) for _ in range(5)]
        unharmed = [asyncio.create_task(cut()) for _ in range(10)]
        ended = await asyncio.gather(*hanging, return_exceptions=True)
        assert [type(error) for error in ended] == [DeadlineExceededError] * 5
        began = time.monotonic()
        with pytest.raises(ServiceUnavailableError, match="storage"):
            await store(10)
        assert time.monotonic() - began < 5.0, "nothing is sent while the breaker is open"
        assert await asyncio.gather(*unharmed) == [1] * 10 and await cut() == 1
        os.kill(processes["storage"].pid, signal.SIGCONT)

        async def stored() -> bool:
            try:
                return await store(5) == "ingested"
            except (ServiceUnavailableError, DeadlineExceededError):
                return False

        async with asyncio.timeout(30):
            while not await stored():  # noqa: ASYNC110  # it closes by itself
                await asyncio.sleep(0.1)
        assert client._balancer("storage").broken == 0
    await client.close()
