"""What another model would answer otherwise, over HTTP: a job for whoever may see all documents, and nobody else."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.access import Permission
from gateway.handlers import previews
from gateway.jobs import Report
from inference.extractors import ExtractorName
from security.access import FULL_ACCESS
from services.caller import Caller
from services.operations.previewing import MOST_QUESTIONS, Preview, PreviewModels, PreviewTask
from services.past.answers import AnswerDifference
from services.past.differences import MadeBy
from tests.gateway.fakes import ADA, Gateway
from tests.gateway.test_chain import problem
from tests.support.access import allowed

MODELS = "/api/v1/models"
JOBS = f"{MODELS}/previews"
ADA_WITH_KEY = {**ADA, "idempotency-key": "once"}
EVENT = MadeBy(17, "e17", "DocumentUpdated", "harbour", "ada", datetime(2026, 1, 5, 10, 0, tzinfo=UTC))
WANTED = {"name": "en_core_web_md", "questions": ["Who?"]}
RIGHTS = ("models:administer", "projections:execute", "reasoning:execute", "previews:*")


class Previewing:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def total(self, caller: Caller, task: PreviewTask, questions: Sequence[str], **how: Any) -> int:
        return 7 + len(questions)

    async def preview(
        self,
        caller: Caller,
        task: PreviewTask,
        name: ExtractorName,
        questions: Sequence[str],
        report: Callable[[int], None],
        **how: Any,
    ) -> Preview:
        self.asked.append((caller.actor, task, name, list(questions), how["rate"], how["keep"]))
        await self.may_end.wait()
        report(8)
        different = AnswerDifference("Who?", "Ada", None, 0.9, 0.0, EVENT)
        return Preview(task, "b@1", "a@1", 19, how["keep"], len(questions), (different,))


@pytest.fixture
def previewing(gateway: Gateway) -> Previewing:
    """Behind the gateway."""
    found = Previewing()
    object.__setattr__(gateway.app._api.state.services, "preview", found)
    return found


async def begun(gateway: Gateway, task: str, wanted: dict[str, Any]) -> str:
    """Where the job is looked at."""
    answer = await gateway.client.post(f"{MODELS}/{task}/preview", json=wanted, headers=ADA_WITH_KEY)
    assert answer.status_code == 202, answer.text
    location = str(answer.headers["location"])
    assert location.startswith(f"{JOBS}/")
    return location


async def ended(gateway: Gateway, location: str) -> dict[str, Any]:
    """The job, when it has ended."""
    await gateway.jobs._jobs[location.rpartition("/")[2]].ended.wait()
    found: dict[str, Any] = (await gateway.client.get(location, headers=ADA)).json()
    return found


@pytest.mark.parametrize(
    ("task", "wanted", "name"),
    [
        ("embedder", {"name": "people/embedder", "revision": "v2"}, ExtractorName("people/embedder", "v2")),
        ("entities", {"name": "en_core_web_md"}, ExtractorName("en_core_web_md")),
        ("relations", {"name": "en_core_web_md"}, ExtractorName("en_core_web_md")),
    ],
)
async def test_the_answers_that_would_be_others_are_the_result_of_a_job(
    gateway: Gateway, previewing: Previewing, task: str, wanted: dict[str, Any], name: ExtractorName
) -> None:
    asked = {"questions": ["Who?", "Where?"], "rate": 50, "keep": "coming"}
    location = await begun(gateway, task, {**wanted, **asked})
    job = await ended(gateway, location)
    assert (job["kind"], job["state"], job["done"], job["total"]) == (f"preview {task}", "done", 8, 9)
    (different,) = job["result"].pop("differences")
    assert job["result"] == {
        "task": task,
        "revision": "b@1",
        "previous": "a@1",
        "position": 19,
        "generation": "coming",
        "asked": 2,
    }
    assert (different["one"], different["other"], different["one_confidence"]) == ("Ada", None, 0.9)
    assert (different["made_by"]["position"], different["made_by"]["recorded_at"]) == (17, "2026-01-05T10:00:00Z")
    assert previewing.asked == [("ada", task, name, ["Who?", "Where?"], 50, "coming")]
    followed = await gateway.client.get(f"{location}/stream", headers=ADA)
    assert "event: done" in followed.text


async def test_positions_are_sealed_for_whoever_does_not_run_the_installation(
    gateway: Gateway, previewing: Previewing
) -> None:
    gateway.permissions.denied = {"system:read"}
    result = (await ended(gateway, await begun(gateway, "relations", WANTED)))["result"]
    assert isinstance(result["position"], str)
    assert isinstance(result["differences"][0]["made_by"]["position"], str)


async def test_it_is_broken_off(gateway: Gateway, previewing: Previewing) -> None:
    previewing.may_end.clear()
    location = await begun(gateway, "relations", WANTED)
    assert (await gateway.client.delete(location, headers=ADA)).json()["state"] == "cancelled"
    assert (await gateway.client.get(location, headers=ADA)).json()["result"] is None


async def test_its_answers_do_not_stay_in_memory(
    gateway: Gateway, previewing: Previewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is erased later may be quoted by them."""
    monkeypatch.setattr(previews, "KEPT_S", 0.0)
    previewing.may_end.clear()
    location, behind = await begun(gateway, "relations", WANTED), asyncio.Event()
    job = gateway.jobs._jobs[location.rpartition("/")[2]]
    previewing.may_end.set()
    async with asyncio.timeout(10):
        await job.ended.wait()
        asyncio.get_running_loop().call_later(0.0, behind.set)
        await behind.wait()
    assert job.state == "done"
    problem(await gateway.client.get(location, headers=ADA), 404, "not-found")


@pytest.mark.parametrize(
    ("task", "changed"),
    [
        ("embedder", {"name": "/srv/models/embedder"}),
        ("entities", {"name": "../names"}),
        ("relations", {"name": "people/names"}),
        ("relations", {"revision": "v2"}),
        ("relations", {"questions": []}),
        ("relations", {"questions": [" "]}),
        ("relations", {"questions": ["x" * 4097]}),
        ("relations", {"questions": ["Who?"] * (MOST_QUESTIONS + 1)}),
        ("relations", {"rate": 0}),
        ("relations", {"keep": "Coming!"}),
        ("relations", {"reason": "why"}),
    ],
)
async def test_what_cannot_be_previewed_is_refused_before_a_job_begins(
    gateway: Gateway, previewing: Previewing, task: str, changed: dict[str, Any]
) -> None:
    answer = await gateway.client.post(f"{MODELS}/{task}/preview", json={**WANTED, **changed}, headers=ADA_WITH_KEY)
    problem(answer, 422, "invalid-fields")
    assert previewing.asked == [] and not gateway.jobs._jobs


async def test_a_name_that_no_generation_may_have_is_refused(gateway: Gateway, previewing: Previewing) -> None:
    wanted = {**WANTED, "keep": "live"}
    answer = await gateway.client.post(f"{MODELS}/relations/preview", json=wanted, headers=ADA_WITH_KEY)
    problem(answer, 422, "invalid-request")
    assert previewing.asked == []


@pytest.mark.parametrize("task", ["embedder", "entities", "relations"])
async def test_it_takes_a_right_of_its_own(gateway: Gateway, previewing: Previewing, task: str) -> None:
    gateway.permissions.denied = {"previews:execute"}
    wanted = {**WANTED, "name": "people/model"} if task != "relations" else WANTED
    answer = await gateway.client.post(f"{MODELS}/{task}/preview", json=wanted, headers=ADA_WITH_KEY)
    problem(answer, 403, "access-denied")
    assert previewing.asked == []


async def job_of_another(gateway: Gateway) -> str:
    """Where it is; it is under way."""

    async def work(report: Report) -> None:
        await asyncio.Event().wait()

    root = Caller("default", "root", "http", FULL_ACCESS)
    return gateway.jobs.start(root, "preview embedder", 1, work, resource="previews").id


async def test_whoever_looks_after_models_and_read_models_sees_no_answers(gateway: Gateway) -> None:
    job_id = await job_of_another(gateway)
    gateway.permissions.denied = {"previews:read", "previews:execute"}
    for method, path in (("GET", job_id), ("GET", f"{job_id}/stream"), ("DELETE", job_id)):
        problem(await gateway.client.request(method, f"{JOBS}/{path}", headers=ADA), 403, "access-denied")
    problem(await gateway.client.get(f"/api/v1/projections/jobs/{job_id}", headers=ADA), 404, "not-found")
    assert gateway.jobs._jobs[job_id].state == "running"
    await gateway.jobs.close()


@pytest.mark.parametrize("constraint", [{"collections": ("hr",)}, {"masked_fields": ("text",)}])
async def test_whoever_may_see_only_some_documents_neither_begins_nor_sees_one(
    gateway: Gateway, constraint: dict[str, Any]
) -> None:
    nothing: Any = None
    service = PreviewModels(nothing, nothing, nothing, nothing)
    object.__setattr__(gateway.app._api.state.services, "preview", service)
    some = Permission(resource="documents", action="read", **constraint)
    gateway.permissions.access = allowed(*RIGHTS, some, tenant="default")
    job_id = await job_of_another(gateway)
    for task in ("embedder", "entities", "relations"):
        wanted = WANTED if task == "relations" else {**WANTED, "name": "people/model"}
        answer = await gateway.client.post(f"{MODELS}/{task}/preview", json=wanted, headers=ADA_WITH_KEY)
        assert "only some may be seen" in str(problem(answer, 403, "access-denied")["detail"])
    for method, path in (("GET", job_id), ("GET", f"{job_id}/stream"), ("DELETE", job_id)):
        answer = await gateway.client.request(method, f"{JOBS}/{path}", headers=ADA)
        assert "only some may be seen" in str(problem(answer, 403, "access-denied")["detail"])
    assert gateway.jobs._jobs[job_id].state == "running"
    await gateway.jobs.close()
