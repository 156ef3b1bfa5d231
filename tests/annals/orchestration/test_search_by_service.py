"""A gateway that calls services has no model: searches and their vectors come from the reasoning service."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from annals.admin_token import ensure_admin_token
from annals.composition.use_cases import open_use_cases
from annals.embedded.broker import free_port
from annals.settings import load_settings
from annals.token_file import read_admin_token
from eventstore.pool import PostgresPool, open_pool
from services.mesh.registry import PostgresServiceRegistry
from tests.annals.pipeline import ANNALS, ROOT, environment

pytestmark = pytest.mark.pipeline


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[PostgresPool]:
    opened = await open_pool(dsn)
    yield opened
    await opened.close()


@pytest.fixture
async def gateway(dsn: str, tmp_path: Path) -> AsyncIterator[tuple[int, httpx.AsyncClient]]:
    """Its process id, and a client of it with the administrator's token; the reasoning service runs beside it."""
    async with open_use_cases(load_settings(data=tmp_path), dsn) as use_cases:
        await ensure_admin_token(tmp_path, use_cases.security.local_administrator)
    port = free_port()
    env = environment({"ANNALS_POSTGRES": dsn, "ANNALS_BROKER": "127.0.0.1:1", "ANNALS_SERVICES": "processes"})
    started = []
    for command in (["gateway"], ["service", "reasoning"]):
        with (tmp_path / f"{command[-1]}.log").open("wb") as output:
            started.append(
                subprocess.Popen(  # noqa: ASYNC220
                    [*ANNALS, "run", *command, "--data", str(tmp_path)],
                    cwd=ROOT,
                    env={**env, "ANNALS_GATEWAY_PORT": str(port)},
                    stdout=output,
                    stderr=output,
                )
            )
    headers = {"authorization": f"Bearer {read_admin_token(tmp_path)}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        yield started[0].pid, client
    for process in started:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(30) for process in started] == [0, 0]


async def test_the_first_search_is_answered_and_loads_no_model(
    gateway: tuple[int, httpx.AsyncClient], pool: PostgresPool
) -> None:
    pid, client = gateway
    registry = PostgresServiceRegistry(pool)
    await registry.open()
    async with asyncio.timeout(120):
        while not (await registry.instances("reasoning") and await _lives(client)):  # noqa: ASYNC110  # nobody is told
            await asyncio.sleep(0.1)
    found = await client.get("/api/v1/search", params={"query": "lighthouse"})
    assert (found.status_code, found.json().get("passages")) == (200, []), found.text
    near = await client.post("/api/v1/storage/search", json={"query": "lighthouse"})
    assert (near.status_code, near.json()["result"]) == (200, []), near.text
    assert (await client.post("/api/v1/storage/search", json={"query": " "})).status_code == 422
    libraries = Path(f"/proc/{pid}/maps").read_text()  # noqa: ASYNC240
    assert "asyncpg" in libraries and "libtorch" not in libraries and "onnxruntime" not in libraries


async def _lives(client: httpx.AsyncClient) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await client.get("/health/live")).status_code == 200
    return False
