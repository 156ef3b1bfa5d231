"""Other models take over by jobs: the same use cases as the commands', with what the caller asked for."""

from collections.abc import Callable
from typing import Any

import pytest

from inference.embedders import EmbedderName
from inference.extractors import ExtractorName
from services.caller import Caller
from services.operations.changing_embedder import ChangedEmbedder
from services.operations.changing_reading import ChangedReading
from tests.gateway.fakes import ADA, Gateway
from tests.gateway.test_chain import problem

PREFIX = "/api/v1/models"
ADA_WITH_KEY = {**ADA, "idempotency-key": "once"}


class Changing:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def total(self, caller: Caller, **how: Any) -> int:
        return 7


class Embedder(Changing):
    async def change(
        self, caller: Caller, name: EmbedderName, report: Callable[[int], None], **how: Any
    ) -> ChangedEmbedder:
        self.asked.append((caller.actor, name, how["reason"]))
        report(7)
        return ChangedEmbedder("b@1", "a@1", 10, changed=True)


class Reading(Changing):
    async def change(
        self, caller: Caller, task: str, name: ExtractorName, report: Callable[[int], None], **how: Any
    ) -> ChangedReading:
        self.asked.append((caller.actor, task, name, how["reason"], how["rate"]))
        report(7)
        return ChangedReading(task, "b@1", "a@1", changed=True)


@pytest.fixture
def reading(gateway: Gateway) -> Reading:
    """Behind the gateway."""
    found = Reading()
    object.__setattr__(gateway.app._api.state.services, "reading", found)
    return found


@pytest.fixture
def embedder(gateway: Gateway) -> Embedder:
    """Behind the gateway."""
    found = Embedder()
    object.__setattr__(gateway.app._api.state.services, "embedder", found)
    return found


async def ended(gateway: Gateway, task: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """The job, when it is done."""
    begun = await gateway.client.post(f"{PREFIX}/{task}", json=wanted, headers=ADA_WITH_KEY)
    assert begun.status_code == 202, begun.text
    async with gateway.client.stream("GET", f"{begun.headers['location']}/stream", headers=ADA) as told:
        async for _ in told.aiter_lines():
            pass
    job: dict[str, Any] = (await gateway.client.get(begun.headers["location"], headers=ADA)).json()
    assert (job["state"], job["done"], job["total"], job["kind"]) == ("done", 7, 7, f"change {task}")
    result: dict[str, Any] = job["result"]
    return result


async def test_an_embedder_takes_over(gateway: Gateway, embedder: Embedder) -> None:
    result = await ended(gateway, "embedder", {"name": "people/embedder", "reason": "it knows more"})
    assert result == {"revision": "b@1", "previous": "a@1", "passages": 10, "changed": True}
    assert embedder.asked == [("ada", EmbedderName("people/embedder"), "it knows more")]


@pytest.mark.parametrize(
    ("task", "wanted", "name"),
    [
        ("entities", {"name": "people/names", "revision": "v2", "reason": "why"}, ExtractorName("people/names", "v2")),
        ("entities", {"name": "en_core_web_md", "reason": "why"}, ExtractorName("en_core_web_md")),
        ("relations", {"name": "en_core_web_md", "reason": "why"}, ExtractorName("en_core_web_md")),
    ],
)
async def test_another_model_reads(
    gateway: Gateway, reading: Reading, task: str, wanted: dict[str, Any], name: ExtractorName
) -> None:
    result = await ended(gateway, task, {**wanted, "rate": 50})
    assert result == {"task": task, "revision": "b@1", "previous": "a@1", "changed": True}
    assert reading.asked == [("ada", task, name, "why", 50)]


@pytest.mark.parametrize(
    ("task", "wanted"),
    [
        ("embedder", {"name": "/srv/models/embedder"}),
        ("entities", {"name": "/srv/models/names"}),
        ("entities", {"name": "../names"}),
        ("entities", {"name": "people/names", "keep": 5}),
        ("entities", {"name": "people/names", "rate": 0}),
        ("relations", {"name": "people/names"}),
        ("relations", {"name": "en_core_web_md", "revision": "v2"}),
    ],
)
async def test_what_only_a_command_may_name_is_refused(
    gateway: Gateway, reading: Reading, embedder: Embedder, task: str, wanted: dict[str, Any]
) -> None:
    answer = await gateway.client.post(f"{PREFIX}/{task}", json=wanted, headers=ADA_WITH_KEY)
    problem(answer, 422, "invalid-fields")
    assert reading.asked == embedder.asked == []


@pytest.mark.parametrize("task", ["embedder", "entities", "relations"])
async def test_who_may_not_administer_models_is_refused(gateway: Gateway, reading: Reading, task: str) -> None:
    gateway.permissions.denied = {"models:administer"}
    wanted = {"name": "en_core_web_md" if task == "relations" else "people/model"}
    answer = await gateway.client.post(f"{PREFIX}/{task}", json=wanted, headers=ADA_WITH_KEY)
    problem(answer, 403, "access-denied")
    assert reading.asked == []
