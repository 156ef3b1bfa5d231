"""`annals replay`."""

import time

import click

from annals.cli.frame import Frame, common, run_async
from annals.composition import READ_MODELS
from annals.rebuilding import rebuild
from annals.session import session
from projections.errors import OldShapeError


@click.command("replay", short_help="Build read models anew from the events.")
@click.argument("name", type=click.Choice([*READ_MODELS, "all"]))
@common
def command(frame: Frame, name: str) -> None:
    """Build the read model NAME from nothing, straight from the event store, while the present one goes on serving.

    The switch to the new one is a single step; if anything fails, the present one stays as it is.
    """
    run_async(lambda: _replay(frame, READ_MODELS if name == "all" else (name,)))


async def _replay(frame: Frame, names: tuple[str, ...]) -> None:
    async with session(frame.settings, read_models=False) as opened:
        services = opened.services
        chosen = [services.projections[name] for name in names]
        total = await services.reader.count_aggregates({kind for one in chosen for kind in one.model.kinds})
        began = time.monotonic()
        with frame.progress(f"replaying {', '.join(names)}", total, "aggregates") as done:
            rows = await rebuild(services, names, done)
        seconds = round(time.monotonic() - began, 2)
        for name, projection in services.projections.items():
            try:
                await projection.store.open()
            except OldShapeError as error:
                frame.note(f"{name}: {error}")
    for name, count in rows.items():
        frame.say(f"{name}: {count} rows")
    frame.say(f"built from {total} aggregates in {seconds} s")
    frame.give({"rows": rows, "aggregates": total, "seconds": seconds})
