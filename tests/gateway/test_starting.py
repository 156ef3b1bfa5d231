"""A gateway that has started a moment ago says so: 503 with Retry-After, and never 504, until its models are loaded."""

import asyncio
import contextlib
import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from annals.composition.use_cases import UseCases
from annals.embedded.broker import free_port
from annals.gateway import Models
from gateway.errors import StartingError
from gateway.opening import Opening
from inference.model import InferenceError
from security.principal import Principal
from services.deadline import Deadline
from tests.annals.pipeline import ANNALS, environment
from tests.annals.processes import until
from tests.gateway.fakes import ADA, DOCUMENT, Gateway
from tests.gateway.test_chain import problem


class Loading:
    """Use cases whose models are loaded when `loaded` is set; each of `failures` is raised once before."""

    def __init__(self) -> None:
        self.loaded, self.failures, self.loads = asyncio.Event(), list[Exception](), 0

    async def load(self) -> None:
        self.loads += 1
        if self.failures:
            raise self.failures.pop(0)
        await self.loaded.wait()


def models_of(loading: Loading) -> Models:
    return Models(cast(UseCases, loading))


async def test_who_needs_models_is_told_to_come_again_in_half_of_his_time() -> None:
    loading = Loading()
    models = models_of(loading)
    began = asyncio.get_running_loop().time()
    with pytest.raises(StartingError):
        await models(Deadline.after(1.0))
    assert 0.4 < asyncio.get_running_loop().time() - began < 1.0
    with pytest.raises(StartingError):
        await models.check()
    waiting = asyncio.create_task(models(Deadline.after(60)))
    await asyncio.sleep(0)
    loading.loaded.set()
    assert await waiting is models and loading.loads == 1
    await models.check()
    await models.close()


async def test_models_that_could_not_be_loaded_are_tried_again() -> None:
    loading = Loading()
    loading.failures, models = [InferenceError("no such model")], models_of(loading)
    with pytest.raises(InferenceError, match="no such model"):
        await models(Deadline.after(5))
    loading.loaded.set()
    assert await models(Deadline.after(5)) is models
    await models.close()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/reasoning/query", {"query": "Who?"}),
        ("POST", "/api/v1/entities/extract", {"text": "Ada met Bob."}),
        ("POST", "/api/v1/chunks/create", {"text": "Ada met Bob."}),
        ("POST", "/api/v1/storage/search", {"query": "Ada"}),
        ("GET", "/api/v1/search?query=Ada", None),
    ],
)
async def test_what_needs_models_answers_503_while_they_load(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: object
) -> None:
    models = models_of(Loading())
    services = gateway.app._api.state.services
    gateway.app._api.state.services = replace(services, models=models, checks={"models": models.check})
    monkeypatch.setattr("annals.gateway.WAIT_SHARE", 0.001)
    answer = await gateway.client.request(method, path, json=body, headers=ADA)
    problem(answer, 503, "starting")
    assert answer.headers["retry-after"] == "1"
    ready = await gateway.client.get("/health/ready")
    assert ready.status_code == 503 and (await gateway.client.get("/health/live")).status_code == 200
    stored = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
    assert stored.status_code == 201, "what needs no model is done"
    await models.close()


async def test_who_could_not_be_asked_for_in_time_may_come_again(gateway: Gateway) -> None:
    """Under load: nothing was done, so that it is safe to send the same once more."""

    async def slow(*_: Any, **__: Any) -> Principal:
        async with Deadline.after(0.01).enforce("authenticating"):
            await asyncio.Event().wait()
        raise AssertionError

    object.__setattr__(gateway.tokens, "authenticate", slow)
    answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
    problem(answer, 503, "busy")
    assert answer.headers["retry-after"] == "1" and gateway.storage.stored == []


async def test_before_it_is_open_everybody_is_told_to_come_again(gateway: Gateway) -> None:
    opening = Opening()
    transport = httpx.ASGITransport(opening)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=ADA) as client:
        for method, path in (("GET", "/health/live"), ("POST", "/api/v1/documents"), ("GET", "/nowhere")):
            answer = await client.request(method, path, headers={"x-request-id": "r1"})
            problem(answer, 503, "starting")
            assert (answer.headers["retry-after"], answer.headers["x-request-id"]) == ("1", "r1")
        assert (await client.head("/health/live")).content == b""
        opening.open(gateway.app)
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.post("/api/v1/documents", json=DOCUMENT)).status_code == 201


@pytest.mark.pipeline
def test_while_its_database_says_nothing_a_gateway_says_so_and_ends_when_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {
            "ANNALS_POSTGRES": f"postgresql://annals:x@127.0.0.1:{silent.getsockname()[1]}/annals",
            "ANNALS_BROKER": "127.0.0.1:1",
            "ANNALS_GATEWAY_PORT": str(port := free_port()),
        }
        command = [*ANNALS, "run", "gateway", "--data", str(tmp_path / "data")]
        process = subprocess.Popen(command, env=environment(env), stdin=subprocess.DEVNULL)
        try:
            answers: list[httpx.Response] = []

            def answered() -> bool:
                with contextlib.suppress(httpx.ConnectError):
                    answers.append(httpx.get(f"http://127.0.0.1:{port}/api/v1/documents", timeout=10))
                return bool(answers)

            assert until(answered, limit_s=60)
            problem(answers[0], 503, "starting")
            process.terminate()
            assert process.wait(15) == 0
        finally:
            process.kill()
            process.wait(10)
