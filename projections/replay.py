"""Rebuilding read models straight from the event store, while the live ones go on serving."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from importlib.metadata import version
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from contracts.topics import Topics
from eventstore.errors import StoreUnavailableError
from eventstore.generations import RegisteredGeneration
from eventstore.reader import EventReader
from projections.catch_up import CatchUp
from projections.changes import ReadModel, uniform_positions
from projections.folding import AT_ONCE, Folding, FoldJob, Wanted, few_collections, fold_slice, portions
from projections.generations import Generations
from projections.pace import Pace
from projections.store import BuildProgress, Generation, LiveStore
from projections.switching import StillHeld, Successor, switch_together
from projections.together import together

BATCH = 500
"""Aggregates, at most, that are loaded at once."""
NOTHING = BuildProgress(None, 0, False)

NEXT = "next"
"""The purpose of a generation that is to become the live one."""
UNFINISHED_S = 86_400.0
"""How long one is kept that nobody goes on with."""

Report = Callable[[int], None]


async def _held() -> None:
    """Nobody else can build these read models."""


async def replay(
    models: Sequence[tuple[ReadModel, LiveStore]],
    generations: Generations,
    reader: EventReader,
    topics: Topics,
    report: Report,
    still_held: StillHeld = _held,
    *,
    keep_s: float = 0.0,
    rate: float | None = None,
    restart: bool = False,
    revisions: Mapping[str, str] = MappingProxyType({}),
    folding: Folding | None = None,
) -> dict[str, int]:
    """Build the next generation of each read model, in one pass over the log, and switch to all of them together; rows
    by name. What was live is kept for `keep_s`.

    A build that was called off, or whose process or server died, goes on where it stood, unless `restart`, or what it
    is built by changed meanwhile. `revisions`: of the model whose outputs a read model is to be made of, by the read
    model's name; without one, of the one that the live one is made of. `report` gets the aggregates done so far;
    `rate` is the most of them in a second, `folding` where they are folded: without it here. `still_held` is asked
    before the switch whether nobody else can build the same. A rebuild fails on an event that live processing would
    set aside, and then leaves the live ones as they are.

    Raises UnfoldableEventError, StoreUnavailableError (SwitchDeferredError among them), and what `still_held` raises.
    """
    builds: list[_Begun] = []
    mine: list[str] = []
    async with generations.registry.leased(mine):
        try:
            builds += await _begun(
                await _bound(models, generations, revisions), generations, await reader.head(), restart, mine
            )
            rows = await _built(builds, generations, reader, topics, report, rate, folding)
            successors = [
                Successor(one.registered, await CatchUp.of(one.model, one.generation, reader, topics)) for one in builds
            ]
            await switch_together(successors, generations, still_held, keep_s=keep_s)
        except (asyncio.CancelledError, StoreUnavailableError):
            # The next replay goes on with it.
            raise
        except BaseException:
            for one in builds:
                await generations.discard(one.registered)
            raise
    await generations.remove_expired()
    return rows


class _Begun(NamedTuple):
    """A generation that is being built, and how far it was when this process came to it."""

    model: ReadModel
    registered: RegisteredGeneration
    generation: Generation
    progress: BuildProgress


class _Wanted(NamedTuple):
    """A read model, of the outputs of the model of this revision."""

    model: ReadModel
    store: LiveStore
    model_revision: str | None

    @property
    def inputs(self) -> str:
        """What its next generation is made by."""
        return inputs_of(self.store, self.model_revision)


def inputs_of(store: LiveStore, model_revision: str | None) -> str:
    """What a generation is made by now, apart from the events: another version may fold them otherwise."""
    made_by = f"annals {version('annals')}, schema version {store.schema_version}"
    return made_by if model_revision is None else f"{made_by}, model {model_revision}"


async def _bound(
    models: Sequence[tuple[ReadModel, LiveStore]], generations: Generations, revisions: Mapping[str, str]
) -> list[_Wanted]:
    bound = []
    for model, store in models:
        present = None if model.name in revisions else await generations.present(model.name)
        revision = revisions.get(model.name) if present is None else present.model_revision
        bound.append(_Wanted(model.of(revision), store, revision))
    return bound


async def _begun(
    models: Sequence[_Wanted],
    generations: Generations,
    head: int,
    restart: bool,
    mine: list[str],
) -> list[_Begun]:
    """Those that go on where they stood, and others that begin; all of them are built up to the same position.

    `mine` gets the ids of those that this process has.
    """
    found: dict[str, _Begun | None] = {}
    if not restart:
        found = {one.model.name: await _unfinished(one, generations, mine) for one in models}
    positions = {one.registered.position for one in found.values() if one is not None}
    if len(positions) > 1:
        found = {}
    up_to = next(iter(positions), None) if found else None
    up_to = head if up_to is None else up_to
    builds = []
    for wanted in models:
        one = found.get(wanted.model.name)
        if one is None:
            registered, generation = await generations.begin_anew(
                wanted.model.name,
                NEXT,
                expires_s=UNFINISHED_S,
                model_revision=wanted.model_revision,
                inputs=wanted.inputs,
                position=up_to,
            )
            mine.append(registered.id)
            await generation.begin()
            one = _Begun(wanted.model, registered, generation, NOTHING)
        builds.append(one)
    return builds


async def _unfinished(wanted: _Wanted, generations: Generations, mine: list[str]) -> _Begun | None:
    registered = await generations.registry.find(wanted.model.name, NEXT)
    if registered is None or registered.inputs != wanted.inputs or registered.position is None:
        return None
    if not await generations.registry.take_over(registered.id, expires_s=UNFINISHED_S):
        return None
    mine.append(registered.id)
    generation = generations.of(registered)
    progress = await generation.progress()
    return None if progress is None else _Begun(wanted.model, registered, generation, progress)


async def _built(
    builds: Sequence[_Begun],
    generations: Generations,
    reader: EventReader,
    topics: Topics,
    report: Report,
    rate: float | None,
    folding: Folding | None,
) -> dict[str, int]:
    rows = {one.model.name: one.progress.rows for one in builds}
    unfinished = [one for one in builds if not one.progress.finished]
    revisions = [one.registered.model_revision for one in unfinished]
    if unfinished:
        up_to = unfinished[0].registered.position or 0
        added = await load(
            [(one.model, one.generation) for one in unfinished],
            reader,
            up_to=up_to,
            report=report,
            after=[one.progress.last for one in unfinished],
            rate=rate,
            folding=None if folding is None else Elsewhere(folding, revisions),
        )
        for one in unfinished:
            rows[one.model.name] += added[one.model.name]
        await together(one.generation.finish(uniform_positions(one.model, topics, up_to)) for one in unfinished)
    for one in builds:
        await generations.registry.ready(one.registered.id, rows[one.model.name], one.registered.position or 0)
    return rows


async def build(
    models: Sequence[tuple[ReadModel, Generation]],
    reader: EventReader,
    *,
    up_to: int,
    report: Report,
    wanted: Wanted = lambda _: True,
    rate: float | None = None,
) -> dict[str, int]:
    """Load every aggregate, folded from its events up to a position and as far as they are wanted; rows by name.

    `rate` is the most aggregates in a second.
    """
    for _, generation in models:
        await generation.begin()
    return await load(models, reader, up_to=up_to, report=report, wanted=wanted, rate=rate)


class Elsewhere(NamedTuple):
    """Where aggregates are folded, and of what model each read model is made."""

    folding: Folding
    revisions: Sequence[str | None]


async def load(
    models: Sequence[tuple[ReadModel, Generation]],
    reader: EventReader,
    *,
    up_to: int,
    report: Report,
    wanted: Wanted = lambda _: True,
    after: Sequence[UUID | None] = (),
    rate: float | None = None,
    folding: Elsewhere | None = None,
) -> dict[str, int]:
    """The same into generations that were begun: into each what comes behind the stream that `after` says of it.

    `folding`: where everything is wanted, it may be folded there.
    """
    rows = dict.fromkeys((model.name for model, _ in models), 0)
    pace = None if rate is None else Pace(rate)
    most = BATCH if pace is None else pace.batch
    job = FoldJob(
        frozenset(kind for model, _ in models for kind in model.kinds),
        frozenset(event_type for model, _ in models for event_type in model.folded_types),
        up_to,
        min(most, AT_ONCE),
        tuple(after) or (None,) * len(models),
    )
    done = 0
    if job.whole.after is not None:
        done = await reader.whole.count(job.kinds, up_to=job.whole.after)
        report(done)
    source = None
    if folding is not None:
        named = [(model.name, revision) for (model, _), revision in zip(models, folding.revisions, strict=True)]
        source = folding.folding.made(named, job, await reader.whole.count(job.kinds) - done)
    if source is None:
        source = fold_slice([model for model, _ in models], reader, job, job.whole, wanted)
    loading: asyncio.Task[list[int]] | None = None

    async def loaded() -> None:
        if loading is not None:
            for (model, _), count in zip(models, await loading, strict=True):
                rows[model.name] += count

    try:
        with few_collections():
            async with aclosing(source), aclosing(portions(source, most)) as batches:
                async for made in batches:
                    # One batch is loaded while the next is read and folded, and no more: memory stays bounded.
                    await loaded()
                    loading = asyncio.create_task(  # noqa: RUF006  # loaded() awaits it
                        together(
                            generation.load(own, reader.ids)
                            for (_, generation), own in zip(models, made.changes, strict=True)
                        )
                    )
                    done += made.aggregates
                    report(done)
                    if pace is not None:
                        await pace.wait(made.aggregates)
        await loaded()
        return rows
    finally:
        if loading is not None and not loading.done():
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
