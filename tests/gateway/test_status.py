"""Status: the installation for operators, his tenant's numbers for anybody else."""

from dataclasses import replace
from typing import Any

import pytest

from services.caller import Caller
from services.operations.status import LogStatus, SystemStatus
from tests.gateway.fakes import ADA, Gateway
from tests.gateway.test_chain import problem


class Told:
    """Says which one was asked."""

    async def read(self, caller: Caller, **more: Any) -> SystemStatus:
        return SystemStatus(LogStatus(position=7), {}, None, {})

    async def read_of_tenant(self, caller: Caller, **more: Any) -> SystemStatus:
        return SystemStatus(LogStatus(events={"DocumentIngested": 1}), {}, None, {"documents": "not known now"})


@pytest.mark.parametrize(
    ("denied", "position", "events"),
    [(set(), 7, None), ({"documents:read"}, 7, None), ({"system:read"}, None, {"DocumentIngested": 1})],
)
async def test_operators_see_all_and_others_their_own(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, denied: set[str], position: int | None, events: object
) -> None:
    told: Any = Told()
    services = gateway.app._api.state.services
    object.__setattr__(services, "operations", replace(services.operations, status=told))
    gateway.permissions.denied = denied
    answer = await gateway.client.get("/api/v1/status", headers=ADA)
    assert (answer.status_code, answer.json()["position"], answer.json()["events"]) == (200, position, events)


async def test_whoever_may_neither_is_refused(gateway: Gateway) -> None:
    gateway.permissions.denied = {"documents:read", "system:read"}
    problem(await gateway.client.get("/api/v1/status", headers=ADA), 403, "access-denied")
    assert [(one.category, one.outcome) for one in gateway.audit.entries][-1] == ("authorization", "denied")
