"""`annals replay`."""

import time
from collections.abc import Mapping, Sequence

import click

from annals.cli.as_of import make
from annals.cli.context import CommandContext, run_async, served
from annals.cli.jobs import run_job
from annals.cli.words import counted
from annals.session import session
from services.deadline import Deadline
from services.operations.progress import READ_MODELS
from services.operations.rebuilding import COUNT_LIMIT_S, REBUILD_LIMIT_S


@click.command("replay")
@click.argument("names", metavar="[NAME]...", nargs=-1, type=click.Choice([*READ_MODELS, "all", "outdated"]))
@click.option("--back", is_flag=True, help="Switch back to what was live before, instead of building.")
@click.option("--restart", is_flag=True, help="Begin anew where a replay was broken off.")
@click.option("--rate", type=click.FloatRange(min=1), metavar="N", help="At most N aggregates a second.")
@click.option(
    "--keep",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long to keep what is switched away from.  [default: the setting keep_generation_seconds]",
)
@click.option("--as-of", metavar="MOMENT", help="As it was: at a position, or a time, or so long ago (2h ago).")
@click.option("--name", metavar="NAME", help="With --as-of: what it is called, for --at.")
@click.option("--expires", metavar="LENGTH", help="With --as-of: how long it is kept: 12h, 7d.  [default: 1d]")
@served
def command(
    context: CommandContext,
    names: tuple[str, ...],
    back: bool,
    restart: bool,
    rate: float | None,
    keep: float | None,
    as_of: str | None,
    name: str | None,
    expires: str | None,
) -> None:
    """Build the read models NAME... from nothing, straight from the event store, while the present ones go on serving.

    `all` stands for every read model, `outdated` for those that an older Annals made with another schema version.

    The switch to the new ones is a single step, for all that are named; if anything fails, the present ones stay as
    they are. A replay that is broken off goes on where it stood when it is given again. What was switched away from is
    kept for a while: --back switches to it within seconds, with all that happened since, and again back from it.

    With --as-of nothing is switched: what is made beside the present one holds the events up to MOMENT and never
    another one, of all read models where none is named. `ask`, `search`, `show`, `list`, `entity list`, `relation list`
    and `status` read it with --at, `export` writes it; it is dropped when it expires, or by `annals generations drop`:

    \b
    annals replay --as-of "2h ago" --name before
    annals ask --at before "Who leads Acme?"
    """
    if len(names) > 1 and {"all", "outdated"}.intersection(names):
        raise click.UsageError("all and outdated stand alone")
    if "outdated" in names:
        context.here("outdated")
    if as_of is None and (name is not None or expires is not None):
        raise click.UsageError("--name and --expires go with --as-of")
    chosen = READ_MODELS if names == ("all",) else tuple(dict.fromkeys(names))
    only_switches = restart or rate is not None or "outdated" in names
    if as_of is not None:
        if name is None or back or keep is not None or only_switches:
            raise click.UsageError("--as-of needs --name, and goes with --expires and names of read models alone")
        run_async(lambda: make(context, chosen or READ_MODELS, as_of, name, expires))
    elif back:
        if only_switches:
            raise click.UsageError("--back goes with names of read models and --keep alone")
        run_async(lambda: _back(context, () if names == ("all",) else chosen, keep))
    elif names:
        run_async(lambda: _replay(context, chosen, keep, rate, restart))
    else:
        raise click.UsageError(f"name a read model ({', '.join(READ_MODELS)}), all or outdated")


async def _back(context: CommandContext, names: Sequence[str], keep: float | None) -> None:
    began = time.monotonic()
    address = context.named_gateway()
    if address is not None:
        wanted = {"only": list(names) or None, "keep_seconds": keep}
        job = await run_job(context, address, "/projections/all/back", wanted, "switching back", "read models")
        switched = job["result"]["switched"]
    else:
        async with session(context.settings, read_models=False) as opened:
            switched = await opened.use_cases.operations.rebuilding.back(
                context.caller, names, deadline=Deadline.after(REBUILD_LIMIT_S), keep_s=keep
            )
    seconds = round(time.monotonic() - began, 2)
    context.say(f"{', '.join(switched)}: back to what was live before, in {seconds} s")
    context.give({"switched": switched, "seconds": seconds})


async def _replay(
    context: CommandContext, wanted: Sequence[str], keep: float | None, rate: float | None, restart: bool
) -> None:
    address = context.named_gateway()
    if address is not None:
        began, what = time.monotonic(), f"replaying {', '.join(wanted)}"
        options = {"only": list(wanted), "keep_seconds": keep, "rate": rate, "restart": restart}
        job = await run_job(context, address, "/projections/all/replay", options, what, "aggregates")
        _tell(context, job["result"]["rows"], job["total"], round(time.monotonic() - began, 2))
        return
    async with session(context.settings, read_models=False) as opened:
        service = opened.use_cases.operations.rebuilding
        names = wanted
        if wanted == ("outdated",):
            names = list(await service.outdated(deadline=Deadline.after(REBUILD_LIMIT_S)))
            if not names:
                context.say("no read model is outdated")
                context.give({"rows": {}, "aggregates": 0, "seconds": 0.0})
                return
        total = await service.aggregates(names, deadline=Deadline.after(COUNT_LIMIT_S))
        began = time.monotonic()
        with context.progress(f"replaying {', '.join(names)}", total, "aggregates") as done:
            rows = await service.replay(
                context.caller,
                names,
                done,
                deadline=Deadline.after(REBUILD_LIMIT_S),
                keep_s=keep,
                rate=rate,
                restart=restart,
            )
        seconds = round(time.monotonic() - began, 2)
        for name, why in (await service.outdated(deadline=Deadline.after(REBUILD_LIMIT_S))).items():
            context.note(f"{name}: {why}")
    _tell(context, rows, total, seconds)


def _tell(context: CommandContext, rows: Mapping[str, int], aggregates: int, seconds: float) -> None:
    for name, count in rows.items():
        context.say(f"{name}: {counted(count, 'row')}")
    context.say(f"built from {counted(aggregates, 'aggregate')} in {seconds} s")
    context.give({"rows": rows, "aggregates": aggregates, "seconds": seconds})
