"""`annals replay`."""

import time

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.session import session
from projections.errors import OldSchemaError
from services.operations.progress import READ_MODELS


@click.command("replay", short_help="Build read models anew from the events.")
@click.argument("name", type=click.Choice([*READ_MODELS, "all"]))
@common
def command(context: CommandContext, name: str) -> None:
    """Build the read model NAME from nothing, straight from the event store, while the present one goes on serving.

    The switch to the new one is a single step; if anything fails, the present one stays as it is.
    """
    run_async(lambda: _replay(context, READ_MODELS if name == "all" else (name,)))


async def _replay(context: CommandContext, names: tuple[str, ...]) -> None:
    async with session(context.settings, read_models=False) as opened:
        services = opened.services
        chosen = [services.projections[name] for name in names]
        total = await services.reader.count_aggregates({kind for one in chosen for kind in one.model.kinds})
        began = time.monotonic()
        with context.progress(f"replaying {', '.join(names)}", total, "aggregates") as done:
            rows = await services.rebuilding.replay(names, done)
        seconds = round(time.monotonic() - began, 2)
        for name, projection in services.projections.items():
            try:
                await projection.store.open()
            except OldSchemaError as error:
                context.note(f"{name}: {error}")
    for name, count in rows.items():
        context.say(f"{name}: {counted(count, 'row')}")
    context.say(f"built from {counted(total, 'aggregate')} in {seconds} s")
    context.give({"rows": rows, "aggregates": total, "seconds": seconds})
