"""The erasure of a subject is a job that goes on by itself after a kill of the gateway, until it is broken off."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from annals.composition.use_cases import UseCases
from eventstore.dead_letters import DeadLetters
from gateway.jobs import Report
from security.access import FULL_ACCESS
from services.caller import Caller
from tests.annals.processes import until
from tests.conftest import PostgresServer
from tests.gateway.fakes import ADA, Gateway
from tests.gateway.real import OURS, Inside, RealGateway, database, furnish, root, soon
from tests.gateway.test_chain import problem
from tests.projections.history import open_history

ASKED = {"names": ["Ada"], "documents": [OURS.document_id], "reason": "she asked for it"}


@pytest.fixture
def served(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[tuple[RealGateway, str]]:
    """A gateway whose read models nobody has follow, so that an erasure waits; and a key."""
    with database(postgres_server, "erasing_jobs") as dsn:
        gateway = RealGateway.start(dsn, tmp_path / "data")
        try:
            inside = Inside(gateway.settings, dsn)

            async def furnished(use_cases: UseCases) -> str:
                async with open_history(dsn, tmp_path / "data") as history:
                    await furnish(use_cases, history, DeadLetters(history.pool))
                await use_cases.security.accounts.create(root(), "eraser", "user", ["administrator"], deadline=soon())
                return (await use_cases.security.api_keys.issue(root(), "eraser", "k", deadline=soon())).text

            key = inside.do(furnished)
            inside.close()
            yield gateway, key
        finally:
            gateway.stop()


@pytest.mark.timeout(300)
def test_it_goes_on_after_a_kill_and_is_broken_off(served: tuple[RealGateway, str]) -> None:
    gateway, key = served
    with httpx.Client(base_url=gateway.url, headers={"authorization": f"Bearer {key}"}, timeout=60) as http:
        begun = http.post("/api/v1/subjects/erase", json=ASKED)
        assert (begun.status_code, begun.json()["total"]) == (202, 1), begun.text
        job = begun.headers["location"]
        assert http.post("/api/v1/subjects/erase", json=ASKED).headers["location"] == job, "it is under way"
        gateway.kill()
        gateway.again()
        assert http.get(job).json()["state"] == "running", "it is known before somebody goes on with it"
        assert until(lambda: "goes on: 0 of 1" in gateway.log(), limit_s=60)
        assert (http.get(job).json()["state"], http.get(job).json()["done"]) == ("running", 0)
        assert until(lambda: http.delete(job).json().get("state") == "cancelled", limit_s=10)
        assert http.get(job).json()["state"] == "cancelled"
        assert http.get(job.replace("subjects", "projections")).status_code == 404
        other = http.post("/api/v1/subjects/erase", json={**ASKED, "names": ["Nobody Of That Name"]})
        assert until(lambda: http.get(other.headers["location"]).json()["state"] == "done", limit_s=60)
        result = http.get(other.headers["location"]).json()["result"]
        assert result == {"documents": [], "questions": 0, "entities": 0, "keys": 0, "in_the_clear": 0, "left": []}
        problem(http.get(f"/api/v1/subjects/jobs/{'0' * 32}"), 404, "not-found")


async def test_whoever_looks_after_read_models_sees_no_erasure(gateway: Gateway) -> None:
    async def work(report: Report) -> None:
        await asyncio.Event().wait()

    caller = Caller("default", "ada", "http", FULL_ACCESS)
    job = gateway.jobs.start(caller, "erase subject", 1, work, job_id="a" * 32, resource="documents")
    assert gateway.jobs.start(caller, "erase subject", 1, work, job_id=job.id) is job, "it runs"
    gateway.permissions.denied = {"documents:administer"}
    for path in ("projections", "subjects"):
        answer = await gateway.client.get(f"/api/v1/{path}/jobs/{job.id}", headers=ADA)
        assert answer.status_code == (404 if path == "projections" else 403)
    await gateway.jobs.close()
