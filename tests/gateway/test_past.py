"""Time travel over HTTP: the same use cases as the commands', with what the caller asked for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from services.caller import Caller
from services.past.answers import AnswerDifference, AnswerDifferences
from services.past.differences import Difference, DifferencePage, MadeBy
from services.past.generations import NamedGeneration
from tests.gateway.fakes import ADA, Gateway
from tests.gateway.test_chain import problem

AT = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
EVENT = MadeBy(17, "e17", "DocumentUpdated", "harbour", "ada", AT)
PREFIX = "/api/v1/projections"
ADA_WITH_KEY = {**ADA, "idempotency-key": "once"}


class Told:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def differences(
        self, caller: Caller, one: str, other: str, kinds: Sequence[str], **how: Any
    ) -> DifferencePage:
        del how["deadline"]
        self.asked.append({"one": one, "other": other, "kinds": list(kinds), **how})
        changed = Difference("documents", "harbour", "Harbour", "changed", {"title": "A"}, {"title": "B"}, EVENT)
        return DifferencePage(one, other, 12, 19, (changed,), "more")

    async def answers(
        self, caller: Caller, one: str, other: str, questions: Sequence[str], **how: Any
    ) -> AnswerDifferences:
        del how["deadline"]
        self.asked.append({"one": one, "other": other, "questions": list(questions), **how})
        return AnswerDifferences(one, other, 1, (AnswerDifference("Who?", None, "Ada", 0.0, 0.9, EVENT),))

    async def aggregates(self, names: Sequence[str], **how: Any) -> int:
        return 7

    async def replay(self, caller: Caller, names: Sequence[str], report: Callable[[int], None], **how: Any) -> Any:
        del how["deadline"]
        self.asked.append({"replay": list(names), **how})
        report(7)
        return dict.fromkeys(names, 3)

    async def back(self, caller: Caller, names: Sequence[str], **how: Any) -> Any:
        del how["deadline"]
        self.asked.append({"back": list(names), **how})
        return list(names)

    async def make(
        self,
        caller: Caller,
        name: str,
        moment: int | datetime,
        names: Sequence[str],
        report: Callable[[int], None],
        **how: Any,
    ) -> NamedGeneration:
        self.asked.append({"made": name, "moment": moment, "names": list(names), "expires_s": how["expires_s"]})
        return NamedGeneration(name, 12, AT, AT, {})


@pytest.fixture
def told(gateway: Gateway) -> Told:
    """Behind the gateway."""
    told, services = Told(), gateway.app._api.state.services
    operations = replace(services.operations, rebuilding=told)
    object.__setattr__(services, "operations", operations)
    past = SimpleNamespace(compare=told, compare_answers=told, generations=told)
    object.__setattr__(services, "past", past)
    return told


async def ended(gateway: Gateway, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The job that is begun so, at its end."""
    answer = await gateway.client.post(path, headers=ADA_WITH_KEY, json=body)
    assert answer.status_code == 202, answer.text
    location = answer.headers["location"]
    job = gateway.jobs._jobs[location.rpartition("/")[2]]
    await job.ended.wait()
    found: dict[str, Any] = (await gateway.client.get(location, headers=ADA)).json()
    assert found["state"] == "done", found
    return found


async def test_what_differs_is_told_a_page_at_a_time(gateway: Gateway, told: Told) -> None:
    path = f"{PREFIX}/past/monday/differences"
    page = (await gateway.client.get(path, headers=ADA)).json()
    assert told.asked.pop() == {
        "one": "monday",
        "other": "live",
        "kinds": ["documents", "entities", "relations"],
        "after": None,
        "limit": 100,
    }
    (found,) = page["differences"]
    assert (page["one_position"], page["other_position"], page["next"]) == (12, 19, "more")
    assert (found["one"], found["other"], found["made_by"]["position"]) == ({"title": "A"}, {"title": "B"}, 17)
    asked = {"other": "friday", "only": ["entities", "relations"], "limit": "5", "cursor": "more"}
    assert (await gateway.client.get(path, headers=ADA, params=asked)).status_code == 200
    assert told.asked.pop() == {
        "one": "monday",
        "other": "friday",
        "kinds": ["entities", "relations"],
        "after": "more",
        "limit": 5,
    }
    problem(await gateway.client.get(path, headers=ADA, params={"only": "answers"}), 422, "invalid-fields")


async def test_positions_are_sealed_for_whoever_does_not_run_the_installation(gateway: Gateway, told: Told) -> None:
    gateway.permissions.denied = {"system:read"}
    page = (await gateway.client.get(f"{PREFIX}/past/monday/differences", headers=ADA)).json()
    assert isinstance(page["one_position"], str) and isinstance(page["differences"][0]["made_by"]["position"], str)


async def test_two_generations_are_asked_the_same_questions(gateway: Gateway, told: Told) -> None:
    path = f"{PREFIX}/past/monday/answers"
    found = (await gateway.client.post(path, headers=ADA, json={"questions": ["Who?"]})).json()
    assert told.asked.pop() == {"one": "monday", "other": "live", "questions": ["Who?"], "last": 10}
    assert (found["asked"], found["differences"][0]["other"]) == (1, "Ada")
    assert (await gateway.client.post(path, headers=ADA, json={"other": "friday", "last": 3})).status_code == 200
    assert told.asked.pop() == {"one": "monday", "other": "friday", "questions": [], "last": 3}
    refused: list[dict[str, Any]] = [{"last": 51}, {"questions": [" "]}, {"questions": []}, {"other": "Friday!"}]
    for wrong in refused:
        problem(await gateway.client.post(path, headers=ADA, json=wrong), 422, "invalid-fields")
    gateway.permissions.denied = {"reasoning:execute"}
    problem(await gateway.client.post(path, headers=ADA, json={}), 403, "access-denied")


async def test_a_replay_has_the_options_of_the_command(gateway: Gateway, told: Told) -> None:
    done = await ended(gateway, f"{PREFIX}/graph/replay")
    assert (done["total"], done["done"], done["result"]) == (7, 7, {"rows": {"graph": 3}})
    assert told.asked.pop() == {"replay": ["graph"], "keep_s": None, "rate": None, "restart": False}
    gateway.keys.__init__()  # type: ignore[misc]
    options = {"only": ["vector", "graph"], "keep_seconds": 60, "rate": 5.5, "restart": True}
    await ended(gateway, f"{PREFIX}/all/replay", options)
    assert told.asked.pop() == {"replay": ["vector", "graph"], "keep_s": 60, "rate": 5.5, "restart": True}


async def test_the_way_back(gateway: Gateway, told: Told) -> None:
    await ended(gateway, f"{PREFIX}/all/back")
    assert told.asked.pop() == {"back": [], "keep_s": None}, "all of which a former one is kept"
    gateway.keys.__init__()  # type: ignore[misc]
    await ended(gateway, f"{PREFIX}/graph/back", {"keep_seconds": 0})
    assert told.asked.pop() == {"back": ["graph"], "keep_s": 0}


async def test_a_generation_of_the_past_is_made(gateway: Gateway, told: Told) -> None:
    done = await ended(gateway, f"{PREFIX}/past", {"name": "monday", "moment": "12"})
    assert done["result"] == {
        "name": "monday",
        "position": 12,
        "recorded_at": AT.isoformat(),
        "expires_at": AT.isoformat(),
        "rows": {},
    }
    asked = told.asked.pop()
    assert (asked["moment"], asked["names"], asked["expires_s"]) == (12, ["relational", "graph", "vector"], 86_400)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("past", {"name": "live", "moment": "now"}, 422),
        ("past", {"name": "monday", "moment": "soon"}, 422),
        ("past", {"name": "monday", "moment": "now", "expires_seconds": 0}, 422),
        ("graph/replay", {"rate": 0}, 422),
        ("graph/replay", {"only": ["vector"]}, 400),
        ("graph/replay", {"quickly": True}, 422),
        ("nothing/back", {}, 422),
    ],
)
async def test_what_cannot_be_done_is_refused_before_a_job_begins(
    gateway: Gateway, told: Told, path: str, body: dict[str, Any], status: int
) -> None:
    answer = await gateway.client.post(f"{PREFIX}/{path}", headers=ADA_WITH_KEY, json=body)
    assert answer.status_code == status, answer.text
    assert told.asked == []
