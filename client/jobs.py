"""Jobs of a gateway: begun, and followed until they end."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

from client.gateway import Gateway, GatewayError, segment

LOOK_EVERY_S = 0.5

Progress = Callable[[int | None], AbstractContextManager[Callable[[int], None]]]
"""Gets how much there is to do, where that is known, and then how much of it is done."""


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


async def run(gateway: Gateway, path: str, jobs: str, wanted: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The job that is begun at this path, once it is done; broken off there where whoever waits is broken off.

    `jobs`: the path of jobs of its kind. Raises GatewayError where it failed, or somebody else broke it off.
    """
    job = await begin(gateway, path, wanted)
    with progress(job["total"]) as done:
        try:
            ended, why = await follow(gateway, jobs, job, done)
        except asyncio.CancelledError:
            await call_off(gateway, jobs, job)
            raise
    if why is not None:
        raise GatewayError(ended["error"] or f"{why}: {ended['kind']}; give the command again")
    return ended


async def call_off(gateway: Gateway, jobs: str, job: dict[str, Any]) -> None:
    """Nobody goes on with it."""
    await gateway.send("DELETE", f"{jobs}/{segment(job['id'])}")
