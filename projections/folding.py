"""From the events of a part of the log to what is loaded of them: folded here, in the order of their streams."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from contracts import limits
from contracts.batches import batches
from contracts.brief_event import BriefEvent
from contracts.event_types import AggregateKind, EventType
from eventstore.event_rows import AGGREGATES_A_TURN
from eventstore.keys import AggregateKey
from eventstore.log_ids import LogIds
from eventstore.reader import EventReader
from projections.changes import Change, ReadModel
from projections.states import State, bytes_of, fold

BULK_ALLOCATIONS = 100_000
"""Objects between two looks of the garbage collector while building."""
AT_ONCE = 100
"""Aggregates that are read and folded together: of so few, what was read is still in the processor's caches when it is
folded, and so is what was folded when rows are made of it. Of 500 all of that takes a sixth longer; of fewer the keys,
texts and vectors that they need are asked for too often."""
ENDS = 2**128 - 1
"""No stream is behind this one."""

Wanted = Callable[[BriefEvent], bool]


class Folded(NamedTuple):
    """An aggregate with its last version, its state, and about how many bytes that becomes."""

    key: AggregateKey
    version: int
    state: State | None
    bytes: int


class Slice(NamedTuple):
    """Streams behind `after` and up to `until`, by their bytes."""

    after: UUID | None
    until: UUID | None


@dataclass(frozen=True, slots=True)
class FoldJob:
    """What is folded: events of these aggregates up to a position; of other `types` only that they are there.

    `behind`: for each read model the stream behind which it has nothing yet; None where it has nothing at all. `batch`:
    aggregates at once, at most.
    """

    kinds: Collection[AggregateKind]
    types: Collection[EventType]
    up_to: int
    batch: int
    behind: Sequence[UUID | None]

    @property
    def whole(self) -> Slice:
        """Everything that one of the read models does not have yet."""
        known = [stream for stream in self.behind if stream is not None]
        return Slice(min(known) if known and len(known) == len(self.behind) else None, None)

    def cut(self, parts: int) -> list[Slice]:
        """The same in so many parts of like size, in order: streams are as good as random."""
        after = self.whole.after
        begin = 0 if after is None else after.int
        bounds = [UUID(int=begin + (ENDS - begin) * number // parts) for number in range(1, parts)]
        return [Slice(one, other) for one, other in zip([after, *bounds], [*bounds, None], strict=True)]


class Made(NamedTuple):
    """Of so many aggregates, what is to be loaded into each read model, and about how many bytes that is."""

    aggregates: int
    bytes: int
    changes: list[list[Change]]

    def followed_by(self, other: "Made") -> "Made":
        """Both of them, for the same read models."""
        changes = [[*own, *next_] for own, next_ in zip(self.changes, other.changes, strict=True)]
        return Made(self.aggregates + other.aggregates, self.bytes + other.bytes, changes)


class Folding(Protocol):
    """Folds elsewhere. `models`: names of read models, each with the model of whose outputs it is made."""

    def made(
        self, models: Sequence[tuple[str, str | None]], job: FoldJob, aggregates: int
    ) -> AsyncGenerator[Made, None] | None:
        """The same that `fold_slice` makes of everything, of about so many `aggregates`; None where these are too few
        to be folded elsewhere. To be closed. Raises what that raises, StoreUnavailableError also where a process ended.
        """
        ...


async def fold_slice(
    models: Sequence[ReadModel], reader: EventReader, job: FoldJob, part: Slice, wanted: Wanted = lambda _: True
) -> AsyncGenerator[Made, None]:
    """Events as far as they are `wanted`, in batches that are bounded in bytes of events and of what they become.

    Raises UnfoldableEventError, StoreUnavailableError, and what `WholeAggregates.read` raises.
    """
    async for aggregates in reader.whole.read(job.kinds, job.up_to, job.batch, part.after, job.types, part.until):
        folded: list[Folded] = []
        for number, events in enumerate(aggregates):
            if own := [event for event in events if wanted(event)]:
                state = fold(own)
                folded.append(Folded(AggregateKey.of(own[0]), own[-1].aggregate_version, state, bytes_of(state)))
            if number % AGGREGATES_A_TURN == 0:
                await asyncio.sleep(0)
        for some in batches(folded, lambda one: one.bytes):
            yield Made(
                len(some),
                sum(one.bytes for one in some),
                [
                    await _changes(model, some, reader.ids, behind)
                    for model, behind in zip(models, job.behind, strict=True)
                ],
            )


async def portions(source: AsyncGenerator[Made, None], most: int) -> AsyncGenerator[Made, None]:
    """The same, as few as may be: each of at most `most` aggregates, and about BATCH_BYTES, or what came at once."""
    held: Made | None = None
    async for made in source:
        if held is None:
            held = made
        elif held.aggregates + made.aggregates > most or held.bytes + made.bytes > limits.BATCH_BYTES:
            yield held
            held = made
        else:
            held = held.followed_by(made)
    if held is not None:
        yield held


async def _changes(model: ReadModel, folded: Sequence[Folded], ids: LogIds, behind: UUID | None) -> list[Change]:
    own = [one for one in folded if one.key.kind in model.kinds]
    if behind is not None:
        own = [one for one in own if ids.stream(one.key) > behind]
    sections = await model.sections([(one.key, one.state) for one in own])
    return [Change(one.key, 0, one.version, rows) for one, rows in zip(own, sections, strict=True)]


@contextlib.contextmanager
def few_collections() -> Iterator[None]:
    """Events and rows hold no cycles, yet at its usual pace the collector walks them again and again: a fifth of the
    time of a build. Of two builds at once the first to begin sets the pace back.
    """
    usual = gc.get_threshold()
    if usual[0] >= BULK_ALLOCATIONS:
        yield
        return
    gc.set_threshold(BULK_ALLOCATIONS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
