"""Is the live read model what its events say? Built again beside it, and compared row by row."""

import hashlib
from dataclasses import dataclass

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from contracts.topics import Topics
from eventstore.positions import low_watermark
from eventstore.reader import EventReader
from projections.changes import Positions, ReadModel, uniform_positions
from projections.errors import ReadModelReplacedError
from projections.extent import Build, Extent
from projections.generations import Generations
from projections.replay import Report, build
from projections.store import LiveStore, Snapshot, Store

TRIES = 10
"""A live one that changes while it is compared, in a database without snapshots, is compared again."""

VERIFY = "verify"
"""The purpose of a generation that is built to be compared."""

SHOWN = 300
DERIVED = ("entities", "entity_names", "terms", "collections")
"""Parts whose rows follow from those of other parts."""

_again = retry(
    retry=retry_if_exception_type(ReadModelReplacedError),
    stop=stop_after_attempt(TRIES),
    wait=wait_random(0, 1),
    reraise=True,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison found. `difference` names the first one; None means that both are the same."""

    name: str
    position: int
    rows: int
    digest: str
    difference: str | None


async def verify(
    model: ReadModel,
    store: LiveStore,
    generations: Generations,
    reader: EventReader,
    topics: Topics,
    report: Report,
) -> Verdict:
    """Compare the live read model, as it is at one moment, with one built from the same events.

    Events count up to the live model's position, and beyond it where it has them already: an event that the live one
    passed over shows, one that is still on its way does not. `rows` are those that were built.

    Raises UnfoldableEventError, StoreUnavailableError (ReadModelReplacedError among them, where the live one never kept
    still for long enough).
    """
    revision = None if (present := await generations.present(model.name)) is None else present.model_revision
    model = model.of(revision)
    registered, generation = await generations.begin_anew(model.name, VERIFY, expires_s=0, model_revision=revision)
    async with generations.registry.leased([registered.id]):
        try:
            building = Build(
                model, generation.store, reader, await _present_extent(store, uniform_positions(model, topics, 0))
            )
            up_to = await reader.head()
            rows = await build([(model, generation)], reader, up_to=up_to, report=report, wanted=building.wants)
            await generation.finish({})
            await generations.registry.ready(registered.id, rows[model.name], up_to)
            return await _compare(model, store, generation.store, topics, building, rows[model.name])
        finally:
            await generations.discard(registered)


@_again
async def _present_extent(store: LiveStore, followed: Positions) -> Extent:
    async with store.snapshot() as live:
        return await _extent(live, followed)


@_again
async def _compare(
    model: ReadModel, store: LiveStore, built: Store, topics: Topics, building: Build, rows: int
) -> Verdict:
    """The build took its time: it follows the live one to where that is now, and is compared with it there."""
    # Most of it before the live one has to keep still.
    await building.follow(await _present_extent(store, uniform_positions(model, topics, 0)))
    async with store.snapshot() as live:
        extent = await _extent(live, uniform_positions(model, topics, 0))
        await building.follow(extent)
        async with built.snapshot() as rebuilt:
            found = await live.digests()
            difference = await _difference(model.name, live, rebuilt, found, await rebuilt.digests())
    digest = hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()
    return Verdict(model.name, extent.position, rows, digest, difference)


async def _extent(live: Snapshot, followed: Positions) -> Extent:
    positions = await live.positions()
    # While a partition was never heard of, nothing can be said to be passed over.
    return Extent(low_watermark(positions, followed), await live.versions())


async def _difference(
    name: str, live: Snapshot, rebuilt: Snapshot, found: dict[str, str], wanted: dict[str, str]
) -> str | None:
    """The first row that differs, in the first part whose digests differ."""
    # Where several parts differ, one that others derive from says more.
    parts = sorted(found.keys() | wanted.keys(), key=lambda name: (name in DERIVED, name))
    part = next((name for name in parts if found.get(name) != wanted.get(name)), None)
    if part is None:
        return None
    has, should = live.rows(part), rebuilt.rows(part)
    number = 0
    while True:
        number += 1
        one, other = await anext(has, None), await anext(should, None)
        if one != other:
            return f"{name}.{part}, row {number} in order: live has {_shown(one)}, the events say {_shown(other)}"
        if one is None:
            return f"{name}.{part}: the digests differ, but no row does"


def _shown(row: str | None) -> str:
    if row is None:
        return "nothing more"
    return row if len(row) <= SHOWN else row[:SHOWN] + "..."
