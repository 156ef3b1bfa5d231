"""`annals mcp`."""

import contextlib

import click

from annals.cli.context import CommandContext, run_async, served
from client.address import Address
from contracts.errors import AnnalsError


class NoGatewayError(AnnalsError):
    """No gateway runs here; start `annals up`, or name one with --server."""


@click.command("mcp")
@served
def command(context: CommandContext) -> None:
    """Serve ask, search, show, history and ingest as tools, and documents as resources, until standard input ends.

    An assistant starts this command itself: name `annals mcp` in its settings. It asks the gateway of `annals up`, or
    the one of --server, with that token's permissions and limits. Assistants that speak HTTP find the same at
    /api/v1/mcp of the gateway.
    """
    address = context.gateway()
    if address is None:
        raise NoGatewayError
    run_async(lambda: _serve(address))


async def _serve(address: Address) -> None:
    from client.gateway import open_gateway
    from client.tools import tools_server

    # One connection for all calls of the assistant.
    async with open_gateway(address) as gateway:
        await tools_server(lambda _: contextlib.nullcontext(gateway)).run_stdio_async()
