"""Jobs of a gateway: begun, and followed until they end."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from client.gateway import Gateway, segment

LOOK_EVERY_S = 0.5


async def begin(gateway: Gateway, path: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Begin a job. What is None of `wanted` is left to the gateway."""
    body = {name: value for name, value in wanted.items() if value is not None}
    job: dict[str, Any] = await gateway.send("POST", path, json=body, headers={"idempotency-key": str(uuid4())})
    return job


async def follow(
    gateway: Gateway, jobs: str, job: dict[str, Any], report: Callable[[int], None]
) -> tuple[dict[str, Any], str | None]:
    """The job once it ended, and why it is not done where it is not; `report` gets how much of it is done.

    `jobs`: the path of jobs of its kind. Cancelled, it goes on without who follows it.
    """
    while job["state"] == "running":
        report(job["done"])
        await asyncio.sleep(LOOK_EVERY_S)
        job = await gateway.get(f"{jobs}/{segment(job['id'])}")
    if job["state"] == "done":
        report(job["done"])
        return job, None
    return job, job["error"] or "somebody broke it off"


async def call_off(gateway: Gateway, jobs: str, job: dict[str, Any]) -> None:
    """Nobody goes on with it."""
    await gateway.send("DELETE", f"{jobs}/{segment(job['id'])}")
