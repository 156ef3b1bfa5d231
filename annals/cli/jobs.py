"""Jobs of a gateway that was named, as commands run them."""

import asyncio
from typing import Any

from annals.cli.context import CommandContext
from client.address import Address
from client.gateway import GatewayError, open_gateway
from client.jobs import begin, call_off, follow

JOBS = "/projections/jobs"


async def run_job(
    context: CommandContext, address: Address, path: str, wanted: dict[str, Any], what: str, unit: str
) -> dict[str, Any]:
    """The job that is begun at this path, once it is done; broken off there where the command is broken off.

    Raises GatewayError where it failed.
    """
    async with open_gateway(address) as gateway:
        job = await begin(gateway, path, wanted)
        with context.progress(what, job["total"], unit) as done:
            try:
                ended, why = await follow(gateway, JOBS, job, done)
            except asyncio.CancelledError:
                await call_off(gateway, JOBS, job)
                raise
    if why is not None:
        raise GatewayError(ended["error"] or f"{why}: {ended['kind']}; give the command again")
    return ended
