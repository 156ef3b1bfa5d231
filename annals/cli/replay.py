"""`annals replay`."""

import time
from collections.abc import Sequence

import click

from annals.cli.as_of import make
from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.session import session
from services.deadline import Deadline
from services.operations.progress import READ_MODELS
from services.operations.rebuilding import COUNT_LIMIT_S, REBUILD_LIMIT_S


@click.command("replay", short_help="Build read models anew from the events.")
@click.argument("read_model", metavar="NAME", type=click.Choice([*READ_MODELS, "all", "outdated"]), required=False)
@click.option("--as-of", metavar="MOMENT", help="As it was: at a position, or a time, or so long ago (2h ago).")
@click.option("--name", metavar="NAME", help="With --as-of: what it is called, for --at.")
@click.option("--expires", metavar="LENGTH", help="With --as-of: how long it is kept: 12h, 7d.  [default: 1d]")
@common
def command(
    context: CommandContext, read_model: str | None, as_of: str | None, name: str | None, expires: str | None
) -> None:
    """Build the read model NAME from nothing, straight from the event store, while the present one goes on serving.

    `all` stands for every read model, `outdated` for those that an older Annals made with another schema version.

    The switch to the new one is a single step; if anything fails, the present one stays as it is.

    With --as-of nothing is switched: what is made beside the present one holds the events up to MOMENT and never
    another one, of all read models where none is named. `ask`, `search`, `show`, `list`, `entity list`, `relation list`
    and `status` read it with --at; it is dropped when it expires, or by `annals generations drop`:

    \b
    annals replay --as-of "2h ago" --name before
    annals ask --at before "Who leads Acme?"
    """
    if as_of is None:
        if name is not None or expires is not None:
            raise click.UsageError("--name and --expires go with --as-of")
        if read_model is None:
            raise click.UsageError("Missing argument 'NAME'.")
        run_async(lambda: _replay(context, read_model))
        return
    if name is None or read_model == "outdated":
        raise click.UsageError("--as-of needs --name, and no read model, or one of those there are")
    names = READ_MODELS if read_model in (None, "all") else (read_model,)
    run_async(lambda: make(context, names, as_of, name, expires))


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
