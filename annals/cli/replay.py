"""`annals replay`."""

import time
from collections.abc import Sequence

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.session import session
from services.deadline import Deadline
from services.operations.progress import READ_MODELS
from services.operations.rebuilding import COUNT_LIMIT_S, REBUILD_LIMIT_S


@click.command("replay", short_help="Build read models anew from the events.")
@click.argument("name", type=click.Choice([*READ_MODELS, "all", "outdated"]))
@common
def command(context: CommandContext, name: str) -> None:
    """Build the read model NAME from nothing, straight from the event store, while the present one goes on serving.

    `all` stands for every read model, `outdated` for those that an older Annals made with another schema version.

    The switch to the new one is a single step; if anything fails, the present one stays as it is.
    """
    run_async(lambda: _replay(context, name))


async def _replay(context: CommandContext, name: str) -> None:
    async with session(context.settings, read_models=False) as opened:
        service = opened.use_cases.operations.rebuilding
        names: Sequence[str] = READ_MODELS if name == "all" else (name,)
        if name == "outdated":
            names = list(await service.outdated(deadline=Deadline.after(REBUILD_LIMIT_S)))
            if not names:
                context.say("no read model is outdated")
                context.give({"rows": {}, "aggregates": 0, "seconds": 0.0})
                return
        total = await service.aggregates(names, deadline=Deadline.after(COUNT_LIMIT_S))
        began = time.monotonic()
        with context.progress(f"replaying {', '.join(names)}", total, "aggregates") as done:
            rows = await service.replay(context.caller, names, done, deadline=Deadline.after(REBUILD_LIMIT_S))
        seconds = round(time.monotonic() - began, 2)
        for name, why in (await service.outdated(deadline=Deadline.after(REBUILD_LIMIT_S))).items():
            context.note(f"{name}: {why}")
    for name, count in rows.items():
        context.say(f"{name}: {counted(count, 'row')}")
    context.say(f"built from {counted(total, 'aggregate')} in {seconds} s")
    context.give({"rows": rows, "aggregates": total, "seconds": seconds})
