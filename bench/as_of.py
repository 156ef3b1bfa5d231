"""The read models as of a position of the last hour, beside a replay of all of them from nothing."""

from pathlib import Path

from annals.composition.stores import Stores
from bench.corpus import passages
from bench.history import EVENTS_A_DOCUMENT, histories, keep
from bench.servers import Figures, Stopwatch, running, say
from projections.as_of import SNAPSHOT, make_as_of
from projections.replay import replay

DOCUMENTS = 20_000
LAST_HOUR = 0.01
"""What share of the log the last hour is."""
REQUIRED = 10.0


async def measure(folder: Path) -> Figures:
    """Seconds of a replay for each second of an as-of, of all read models, over the same log in the same run."""
    async with running(folder) as (services, _):
        made = histories(passages(DOCUMENTS))
        before = round((1 - LAST_HOUR) * DOCUMENTS)
        await keep(services, made[:before])
        say("the log is filled")
        replayed = await _replayed(services)
        await _as_of(services, SNAPSHOT, await services.reader.head())
        await keep(services, made[before:])
        replayed = min(replayed, await _replayed(services))
        head = await services.reader.head()
        position = head - round(0.5 * LAST_HOUR * head)
        of_snapshot = await _as_of(services, "taken", position)
        copied = await _as_of(services, "copied", position)
        built = await _as_of(services, "built", position, from_near=False)
    return {
        "of": "seconds of a replay of all read models for each second of an as-of in the last hour, of a snapshot",
        "ratio": round(replayed / of_snapshot, 1),
        "required": REQUIRED,
        "reached": replayed / of_snapshot >= REQUIRED,
        "ratio_where_the_live_ones_are_copied": round(replayed / copied, 2),
        "ratio_from_nothing": round(replayed / built, 2),
        "events": DOCUMENTS * EVENTS_A_DOCUMENT,
        "seconds": {
            "replay": round(replayed, 2),
            "of_snapshot": round(of_snapshot, 3),
            "copied": round(copied, 2),
            "built": round(built, 2),
        },
    }


async def _replayed(services: Stores) -> float:
    watch = Stopwatch()
    models = [(one.model, one.store) for one in services.projections.values()]
    await replay(models, services.generations, services.reader, services.topics, lambda _: None)
    return watch.seconds


async def _as_of(services: Stores, name: str, position: int, *, from_near: bool = True) -> float:
    watch = Stopwatch()
    await make_as_of(
        [(one.model, one.store) for one in services.projections.values()],
        name,
        position,
        services.generations,
        services.reader,
        services.topics,
        lambda _: None,
        expires_s=None,
        from_near=from_near,
    )
    return watch.seconds
