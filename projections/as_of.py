"""Generations of read models as they were at a position of the log.

One is built from the events up to it, or led there from a generation that is near: of what that one holds, only the
aggregates are folded anew of which events lie between, in either direction. What was not heard of at the position is
taken out.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from contracts.topics import Topics
from eventstore.generations import RegisteredGeneration
from eventstore.keys import AggregateKey
from eventstore.positions import low_watermark
from eventstore.reader import EventReader
from projections.changes import Change, ReadModel, uniform_positions
from projections.generations import Generations
from projections.replay import Report, build
from projections.states import fold
from projections.store import Generation, LiveStore, Store

NEAR = 0.1
"""How much of the log lies at most between a position and a generation that is near it."""
EVENTS = 2_000
"""That are looked through at once."""
AGGREGATES = 50
"""That are folded and written at once."""

Models = Sequence[tuple[ReadModel, LiveStore]]


async def make_as_of(
    models: Models,
    name: str,
    position: int,
    generations: Generations,
    reader: EventReader,
    topics: Topics,
    report: Report,
    *,
    expires_s: float | None,
    from_near: bool = True,
) -> dict[str, int]:
    """Make a generation of each read model that holds the events up to a position and never another one; rows by name.

    `report` gets the aggregates done so far of those that are built from nothing; `from_near`: lead those that can be.
    What was made is dropped where anything fails. Raises GenerationExistsError, UnfoldableEventError,
    StoreUnavailableError.
    """
    began: list[tuple[ReadModel, RegisteredGeneration, Generation]] = []
    async with AsyncExitStack() as leases:
        try:
            for model, _ in models:
                registered, generation = await generations.begin(model.name, name, expires_s=expires_s, as_of=position)
                began.append((model, registered, generation))
                await leases.enter_async_context(generations.registry.leased([registered.id]))
            rows, rest = dict[str, int](), list[tuple[ReadModel, Generation]]()
            for model, _, generation in began:
                source = await _near(model, position, generations, reader, topics) if from_near else None
                count = None if source is None else await _led(model, generation, source, reader, topics, position)
                if count is None:
                    rest.append((model, generation))
                else:
                    rows[model.name] = count
            rows |= await build(rest, reader, up_to=position, report=report)
            for model, generation in rest:
                await generation.finish(uniform_positions(model, topics, position))
            for model, registered, _ in began:
                await generations.registry.ready(registered.id, rows[model.name], position)
            return rows
        except BaseException:
            for _, registered, _ in began:
                await generations.discard(registered)
            raise


async def _near(
    model: ReadModel, position: int, generations: Generations, reader: EventReader, topics: Topics
) -> Store | None:
    """The generation that is nearest to a position, where one is near."""
    followed = uniform_positions(model, topics, 0)
    found: list[tuple[int, Store]] = []
    for one in await generations.registry.all():
        if one.read_model == model.name and one.state in ("live", "ready", "retired") and one.model_revision is None:
            store = generations.store_of(one)
            held = one.as_of if one.as_of is not None else low_watermark(await store.positions(), followed)
            found.append((abs(position - held), store))
    distance, store = min(found, key=lambda one: one[0], default=(0, None))
    return store if distance <= NEAR * await reader.head() else None


async def _led(
    model: ReadModel, generation: Generation, source: Store, reader: EventReader, topics: Topics, position: int
) -> int | None:
    """The rows of a copy of `source` that is led to the position; None where its database makes no copies."""
    copied = await generation.begin_as(source)
    if copied is None:
        return None
    held = low_watermark(copied.positions, uniform_positions(model, topics, 0))
    more = await lead(model, generation.store, reader, held=held, to=position, seen=await reader.head())
    await generation.store.write([], uniform_positions(model, topics, position))
    return copied.rows + more


async def lead(model: ReadModel, store: Store, reader: EventReader, *, held: int, to: int, seen: int) -> int:
    """Make `store` hold exactly the events up to the position `to`; by how many rows it grew.

    It holds all events up to `held`, and beyond it, of some aggregates, some up to `seen`. Nobody else writes it.
    Raises UnfoldableEventError, StoreUnavailableError.
    """
    position, done, rows = min(held, to), set[AggregateKey](), 0
    while position < max(seen, to):
        keys, position = await reader.touched(model.event_types, position, max(seen, to), EVENTS)
        new = [key for key in keys if key not in done]
        done.update(new)
        for start in range(0, len(new), AGGREGATES):
            rows += await _fold_anew(model, store, reader, new[start : start + AGGREGATES], to)
    return rows


async def _fold_anew(model: ReadModel, store: Store, reader: EventReader, keys: Sequence[AggregateKey], to: int) -> int:
    known, rows = await store.versions(keys), 0
    async for histories in reader.in_batches(dict.fromkeys(keys, 1)):
        changes = []
        for key, events in histories.items():
            there = known.get(key, 0)
            wanted = sum(event.position is not None and event.position <= to for event in events)
            if wanted == there:
                continue
            before, then = await model.sections([(key, fold(events[:there])), (key, fold(events[:wanted]))])
            # What the state that is there brought, and the wanted one says nothing of, goes.
            changes.append(Change(key, there, wanted, {**dict.fromkeys(before, ()), **then}))
            rows += sum(map(len, then.values())) - sum(map(len, before.values()))
        await store.write(changes, {})
    return rows
