"""How everything fares, by a gateway."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from client.gateway import Gateway, GatewayError, segment

ANSWERS_LIMIT_S = 660.0
"""The gateway asks two generations each question."""
LOOK_EVERY_S = 0.5


async def status(gateway: Gateway) -> dict[str, Any]:
    """What there is and how far everything is, as `annals status --json` gives it but for what runs where."""
    found: dict[str, Any] = await gateway.get("/status")
    return found


async def past(gateway: Gateway, name: str) -> dict[str, Any]:
    """A generation of the past, and how much there is in it, as `annals status --at --json` gives it."""
    found: dict[str, Any] = await gateway.get(f"/projections/past/{segment(name)}")
    return found


async def differences(
    gateway: Gateway, one: str, other: str, kinds: Sequence[str], limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of what differs from one generation to another."""
    found: dict[str, Any] = await gateway.get(
        f"/projections/past/{segment(one)}/differences", other=other, only=list(kinds), limit=limit, cursor=cursor
    )
    return found


async def answers(gateway: Gateway, one: str, other: str, questions: Sequence[str], last: int) -> dict[str, Any]:
    """The questions whose answers differ; without `questions`, of the `last` that were asked."""
    wanted = {"other": other, **({"questions": list(questions)} if questions else {"last": last})}
    found: dict[str, Any] = await gateway.send(
        "POST", f"/projections/past/{segment(one)}/answers", json=wanted, timeout=ANSWERS_LIMIT_S
    )
    return found


async def begin(gateway: Gateway, path: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Begin a job. What is None of `wanted` is left to the gateway."""
    body = {name: value for name, value in wanted.items() if value is not None}
    job: dict[str, Any] = await gateway.send("POST", path, json=body, headers={"idempotency-key": str(uuid4())})
    return job


async def follow(gateway: Gateway, job: dict[str, Any], report: Callable[[int], None]) -> dict[str, Any]:
    """The job once it is done; `report` gets how much of it is done. Called off, it is broken off there as well.

    Raises GatewayError where it failed, or somebody else broke it off.
    """
    path = f"/projections/jobs/{segment(job['id'])}"
    try:
        while job["state"] == "running":
            report(job["done"])
            await asyncio.sleep(LOOK_EVERY_S)
            job = await gateway.get(path)
    except asyncio.CancelledError:
        await gateway.send("DELETE", path)
        raise
    if job["state"] != "done":
        raise GatewayError(job["error"] or f"somebody broke it off: {job['kind']}; give the command again")
    report(job["done"])
    return job
