"""Is the live read model what its events say? Built again beside it, and compared row by row."""

import hashlib
from dataclasses import dataclass

from contracts.envelope import DomainEvent
from contracts.topics import Topics
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.changes import ReadModel
from projections.replay import Report, build, uniform_positions
from projections.store import Snapshot, Store

SHOWN = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison found. `difference` names the first one; None means that both are the same."""

    name: str
    position: int
    rows: int
    digest: str
    difference: str | None


async def verify(model: ReadModel, store: Store, reader: EventReader, topics: Topics, report: Report) -> Verdict:
    """Compare the live read model, as it is at this moment, with one built from the same events.

    Events count up to the live model's position, and beyond it where it has them already: an event that the live one
    passed over shows, one that is still on its way does not. Raises UnfoldableEventError, StoreUnavailableError.
    """
    generation = store.generation("verify")
    async with store.snapshot() as live:
        versions, positions = await live.versions(), await live.positions()
        # While a partition was never heard of, nothing can be said to be passed over.
        position = min(positions.get(partition, 0) for partition in uniform_positions(model, topics, 0))

        def wanted(event: DomainEvent) -> bool:
            assert event.position is not None
            key = AggregateKey.of(event)
            return event.position <= position or event.aggregate_version <= versions.get(key, 0)

        try:
            rows = await build([(model, generation)], reader, up_to=await reader.head(), report=report, wanted=wanted)
            await generation.finish({})
            async with generation.store.snapshot() as rebuilt:
                found = await live.digests()
                difference = await _difference(model.name, live, rebuilt, found, await rebuilt.digests())
            digest = hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()
            return Verdict(model.name, position, rows[model.name], digest, difference)
        finally:
            await generation.discard()


async def _difference(
    name: str, live: Snapshot, rebuilt: Snapshot, found: dict[str, str], wanted: dict[str, str]
) -> str | None:
    """The first row that differs, in the first part whose digests differ."""
    # Entities derive from the other parts: where several differ, one that they derive from says more.
    parts = sorted(found.keys() | wanted.keys(), key=lambda name: (name == "entities", name))
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
