"""Jobs of a gateway that was named, as commands run them."""

from typing import Any

from annals.cli.context import CommandContext
from client.address import Address
from client.gateway import open_gateway
from client.jobs import run

JOBS = "/projections/jobs"


async def run_job(
    context: CommandContext, address: Address, path: str, wanted: dict[str, Any], what: str, unit: str
) -> dict[str, Any]:
    """The job that is begun at this path, once it is done; broken off there where the command is broken off.

    Raises GatewayError where it failed.
    """
    async with open_gateway(address) as gateway:
        return await run(gateway, path, JOBS, wanted, lambda total: context.progress(what, total, unit))
