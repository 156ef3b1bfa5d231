"""Jobs as they are followed and cancelled: by those of their tenant, and told to the end."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from gateway.jobs import Report
from security.access import FULL_ACCESS
from services.caller import Caller
from services.errors import NotFoundError
from tests.gateway.fakes import ADA, Gateway
from tests.gateway.test_chain import problem

CALLER = Caller("default", "ada", "http", FULL_ACCESS)
JOBS = "/api/v1/projections/jobs"


def told(answer: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """Events and their data."""
    lines = answer.text.replace("\r", "").split("\n")
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    return list(zip(names, [json.loads(one[6:]) for one in lines if one.startswith("data: ")], strict=True))


async def test_a_job_is_told_until_it_is_done(gateway: Gateway) -> None:
    reported, go_on = asyncio.Event(), asyncio.Event()

    async def work(report: Report) -> Any:
        report(1)
        reported.set()
        await go_on.wait()
        report(2)
        return {"rows": 2}

    job = gateway.jobs.start(CALLER, "replay graph", 2, work)
    following = asyncio.create_task(gateway.client.get(f"{JOBS}/{job.id}/stream", headers=ADA))
    async with asyncio.timeout(10):
        await reported.wait()
        go_on.set()
        answer = await following
    assert answer.headers["content-type"].startswith("text/event-stream")
    (*progress, (name, last)) = told(answer)
    assert (name, last["state"], last["done"], last["result"]) == ("done", "done", 2, {"rows": 2})
    assert all(one == "progress" for one, _ in progress)


@pytest.mark.parametrize(("error", "said"), [(NotFoundError("it is gone; look"), "it is gone"), (OSError("x"), "log")])
async def test_a_job_that_fails_is_told_as_failed(gateway: Gateway, error: Exception, said: str) -> None:
    async def work(report: Report) -> Any:
        raise error

    job = gateway.jobs.start(CALLER, "verify graph", 2, work)
    name, last = told(await gateway.client.get(f"{JOBS}/{job.id}/stream", headers=ADA))[-1]
    assert (name, last["state"]) == ("failed", "failed") and said in last["error"]


async def test_a_job_is_cancelled_and_that_is_told(gateway: Gateway) -> None:
    begun, broken_off = asyncio.Event(), asyncio.Event()

    async def work(report: Report) -> Any:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            broken_off.set()

    job = gateway.jobs.start(CALLER, "replay graph", 2, work)
    following = asyncio.create_task(gateway.client.get(f"{JOBS}/{job.id}/stream", headers=ADA))
    async with asyncio.timeout(10):
        await begun.wait()
        answer = await gateway.client.delete(f"{JOBS}/{job.id}", headers=ADA)
        assert (answer.status_code, answer.json()["state"], answer.json()["error"]) == (200, "cancelled", None)
        assert broken_off.is_set() and answer.json()["ended_at"]
        assert told(await following)[-1][0] == "cancelled"
    again = await gateway.client.delete(f"{JOBS}/{job.id}", headers=ADA)
    assert again.json() == answer.json()


async def test_a_job_that_did_not_begin_yet_is_cancelled_too(gateway: Gateway) -> None:
    async def work(report: Report) -> Any:
        raise AssertionError("it never begins")

    job = gateway.jobs.start(CALLER, "replay graph", 2, work)
    async with asyncio.timeout(10):
        assert (await gateway.jobs.cancel(CALLER, job.id)).state == "cancelled"


async def test_jobs_of_another_tenant_are_not_there(gateway: Gateway) -> None:
    async def work(report: Report) -> Any:
        await asyncio.Event().wait()

    job = gateway.jobs.start(CALLER, "replay graph", 2, work)
    eve = {"authorization": "Bearer acme-eve"}
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/stream")):
        problem(await gateway.client.request(method, f"{JOBS}/{job.id}{path}", headers=eve), 404, "not-found")
    assert job.state == "running"
    await gateway.jobs.close()
    assert (job.state, job.error) == ("failed", "the gateway stopped")
