"""`annals replay`."""

import time

import click

from annals.cli.frame import Frame, common, run_async
from annals.composition import READ_MODELS, Services
from annals.session import session
from projections.errors import OldShapeError
from projections.replay import replay


@click.command("replay", short_help="Build read models anew from the events.")
@click.argument("name", type=click.Choice([*READ_MODELS, "all"]))
@common
def command(frame: Frame, name: str) -> None:
    """Build the read model NAME from nothing, straight from the event store, while the present one goes on serving.

    The switch to the new one is a single step; if anything fails, the present one stays as it is.
    """
    run_async(lambda: _replay(frame, READ_MODELS if name == "all" else (name,)))


async def _replay(frame: Frame, names: tuple[str, ...]) -> None:
    results = {}
    async with session(frame.settings, read_models=False) as opened:
        services = opened.services
        for name in names:
            results[name] = await _replay_one(frame, services, name)
        for name, projection in services.projections.items():
            try:
                await projection.store.open()
            except OldShapeError as error:
                frame.note(f"{name}: {error}")
    for name, result in results.items():
        frame.say(
            f"{name}: {result['rows']:.0f} rows from {result['aggregates']:.0f} aggregates in {result['seconds']} s"
        )
    frame.give(results)


async def _replay_one(frame: Frame, services: Services, name: str) -> dict[str, float]:
    projection = services.projections[name]
    total = await services.reader.count_aggregates(projection.model.kinds)
    began = time.monotonic()
    with frame.progress(f"replaying {name}", total, "aggregates") as done:
        rows = await replay(projection.model, projection.store, services.reader, services.topics, done)
    return {"rows": rows, "aggregates": total, "seconds": round(time.monotonic() - began, 2)}
