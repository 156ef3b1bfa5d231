"""What it costs that events are sealed: the same appends and the same replay, sealed and in the clear."""

import statistics
from pathlib import Path

from annals.composition.stores import Stores
from bench.appends import append
from bench.corpus import passages
from bench.history import histories, in_batches, keep_texts
from bench.servers import Figures, Stopwatch, ratio, running
from eventstore.commands import Commands
from projections.replay import replay

DOCUMENTS = 400
ROUNDS = 5
MOST_LOST = 0.1


async def measure(folder: Path) -> Figures:
    """By turns, over two servers of which one works at a time."""
    async with running(folder / "sealed") as (sealed, _), running(folder / "clear") as (clear, _):
        plain = Commands(clear.log, clear.reader)
        rounds = [await _round(sealed, clear, plain, number) for number in range(ROUNDS)]
        plain.close()
    appended, single, replayed = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {
        "of": "speed of appends and of a replay of all read models, sealed, in the clear being 1",
        "ratio": min(appended, replayed),
        "required": 1 - MOST_LOST,
        "reached": min(appended, replayed) >= 1 - MOST_LOST,
        "ratio_appends": appended,
        "ratio_appends_single": single,
        "ratio_replay": replayed,
    }


async def _round(sealed: Stores, clear: Stores, plain: Commands, number: int) -> tuple[float, float, float]:
    new = histories(passages(DOCUMENTS, seed=500 + number))
    for stores in (sealed, clear):
        await keep_texts(stores, new)
    made = list(in_batches(new))
    alone = [[one.events[0]] for one in histories(passages(DOCUMENTS // 2, seed=600 + number))]
    seconds = []
    for events in (made, alone):
        own = await append(sealed, events)
        other = await append(clear, events, plain)
        seconds.append(ratio(1 / own, 1 / other))
    return seconds[0], seconds[1], ratio(1 / await _replayed(sealed), 1 / await _replayed(clear))


async def _replayed(stores: Stores) -> float:
    watch = Stopwatch()
    models = [(one.model, one.store) for one in stores.projections.values()]
    await replay(models, stores.generations, stores.reader, stores.topics, lambda _: None)
    return watch.seconds
