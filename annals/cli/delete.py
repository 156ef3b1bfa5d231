"""`annals delete`."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from annals.cli.context import CommandContext, run_async, served
from annals.cli.names import names_of
from annals.cli.words import counted
from client.address import Address


@click.command("delete")
@click.argument("ids", nargs=-1, required=True)
@click.option("--reason", help="Why, kept with the event.")
@click.option("--erase", metavar="REASON", help="Erase them for good: nothing of them is left, and nothing undoes it.")
@served
def command(context: CommandContext, ids: tuple[str, ...], reason: str | None, erase: str | None) -> None:
    """Delete the documents of these IDS (or paths); returns once they are gone from every read model."""
    if erase is not None and (reason is not None or not erase.strip()):
        raise click.UsageError("--erase takes the reason itself, and --reason is for a deletion that is none")
    done = run_async(lambda: _delete(context, ids, reason) if erase is None else _erase(context, ids, erase))
    if not done:
        sys.exit(1)


async def _erase(context: CommandContext, ids: tuple[str, ...], reason: str) -> bool:
    address = context.gateway()
    if address is None:
        from annals.cli.here import documents as here

        done = await here.erase(context, ids, reason)
    else:
        from client import documents as there
        from client.gateway import open_gateway

        async with open_gateway(address) as gateway:
            done = await there.erase(gateway, [names_of(given) for given in ids], reason)
    for document_id in done["documents"]:
        context.say(f"erased {document_id}")
    said = f"{counted(done['questions'], 'question')} and {counted(done['entities'], 'entity')}"
    context.say(f"with them {said} that nothing else names")
    if done["in_the_clear"]:
        context.note(
            f"{done['in_the_clear']} of their events were recorded before events were sealed, and stay in the log as "
            "they are (see docs/erasure.md)"
        )
    context.give(done)
    return not done["in_the_clear"]


async def _delete(context: CommandContext, ids: tuple[str, ...], reason: str | None) -> bool:
    address = context.gateway()
    if address is None:
        from annals.cli.here import documents as here

        done = await here.delete(context, ids, reason)
    else:
        done = await _by_gateway(address, ids, reason)
    for document_id in done["deleted"]:
        context.say(f"deleted {document_id}")
    for document_id in done["already"]:
        context.say(f"{document_id} was deleted before")
    for document_id, cause in done["failed"].items():
        context.note(f"deleted {document_id}, but a read model still has it: {cause} (see: annals dead-letters list)")
    context.give(done)
    return not done["failed"]


async def _by_gateway(address: Address, ids: Sequence[str], reason: str | None) -> dict[str, Any]:
    from client import documents as there
    from client.gateway import open_gateway

    async with open_gateway(address) as gateway:
        deleted, already = await there.delete(gateway, [names_of(given) for given in ids], reason)
        followed = await there.follow(gateway, [*deleted, *already], lambda _: None)
    return {"deleted": deleted, "already": already, "failed": followed.failed}
