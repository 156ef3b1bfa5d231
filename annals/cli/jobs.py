"""Jobs of a gateway that was named, as commands run them."""

from typing import Any

from annals.cli.context import CommandContext
from client.address import Address
from client.gateway import open_gateway
from client.operations import begin, follow


async def run_job(
    context: CommandContext, address: Address, path: str, wanted: dict[str, Any], what: str, unit: str
) -> dict[str, Any]:
    """The job that is begun at this path, once it is done; broken off there where the command is broken off.

    Raises GatewayError where it failed.
    """
    async with open_gateway(address) as gateway:
        job = await begin(gateway, path, wanted)
        with context.progress(what, job["total"], unit) as done:
            return await follow(gateway, job, done)
