"""Read models with so many passages, loaded by several processes into a folder that can be kept."""

import asyncio
import itertools
import multiprocessing
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from annals.composition.stores import Stores, open_stores
from annals.settings import load_settings
from bench.copies import Copies
from bench.sample import Sample, take_in
from bench.servers import Stopwatch, say
from eventstore.log_ids import PUBLIC_IDS
from eventstore.pool import transaction
from projections.changes import Change, uniform_positions
from projections.postgres.generation import PostgresGeneration
from projections.postgres.live import LivePostgresStore

BATCH = 2_000
LOADERS = 2
STEP = 10
"""Copies that a loader takes at a time."""
GENERATION = "next"
LOAD_LIMIT_S = 3 * 3600.0
_WAL = "ALTER SYSTEM SET max_wal_size = '4GB'"


async def sample_of(folder: Path, set_folder: Path) -> Sample:
    """The set as an installation takes it in; what was taken in before is read from `folder`."""
    kept = folder / "sample.pickle"
    if not kept.exists():
        sample = await take_in(folder / "set", set_folder)
        kept.write_bytes(pickle.dumps(sample))
    found: Sample = pickle.loads(kept.read_bytes())
    return found


async def load(stores: Stores, folder: Path, sample: Sample, size: int) -> None:
    """Both read models with so many passages, as a replay would leave them; one that has them stays as it is."""
    for name in ("vector", "graph"):
        store = stores.projections[name].store
        assert isinstance(store, LivePostgresStore)
        if await stores.pool.fetchval(f"SELECT count(*) FROM {name}.passages", timeout=LOAD_LIMIT_S) != size:
            await _load(stores, store.generation(GENERATION), folder, sample, size)


async def _load(stores: Stores, generation: PostgresGeneration, folder: Path, sample: Sample, size: int) -> None:
    name, copies, watch = generation.store.layout.name, Copies(sample), Stopwatch()
    await stores.pool.execute(_WAL)
    await stores.pool.execute("SELECT pg_reload_conf()")
    await generation.begin()
    # The tenant gets its own part before several load into it.
    count = min(STEP, copies.count(size))
    await _load_copies(generation, copies, range(count), size)
    ranges = [range(at, min(at + STEP, copies.count(size))) for at in range(count, copies.count(size), STEP)]
    arguments = [(folder, stores.settings.data, stores.dsn, name, numbers, size) for numbers in ranges]
    if ranges:
        with ProcessPoolExecutor(LOADERS, multiprocessing.get_context("spawn")) as loaders:
            loop = asyncio.get_running_loop()
            await asyncio.gather(*(loop.run_in_executor(loaders, _load_part, *one) for one in arguments))
    say(f"  {name}: rows of {size} passages after {watch.seconds:.0f} s")
    await generation.finish(uniform_positions(stores.projections[name].model, stores.topics, 0))
    former = await stores.generations.registry.live(name)
    async with (
        transaction(stores.pool) as connection,
        generation.switching(connection, None if former is None else former.id),
    ):
        """Nothing was written meanwhile."""
    say(f"  {name}: {size} passages loaded after {watch.seconds:.0f} s")


def _load_part(folder: Path, data: Path, dsn: str, name: str, numbers: Sequence[int], size: int) -> None:
    asyncio.run(_in_process(folder, data, dsn, name, numbers, size))


async def _in_process(folder: Path, data: Path, dsn: str, name: str, numbers: Sequence[int], size: int) -> None:
    sample: Sample = pickle.loads((folder / "sample.pickle").read_bytes())
    async with open_stores(load_settings(data=data, log_level="ERROR"), dsn) as stores:
        store = stores.projections[name].store
        assert isinstance(store, LivePostgresStore)
        await _load_copies(store.generation(GENERATION), Copies(sample), numbers, size)


async def _load_copies(generation: PostgresGeneration, copies: Copies, numbers: Sequence[int], size: int) -> None:
    made = copies.graph if generation.store.layout.name == "graph" else copies.vector
    changes: Iterator[Change] = itertools.chain.from_iterable(made(number, size) for number in numbers)
    while batch := list(itertools.islice(changes, BATCH)):
        await generation.load(batch, PUBLIC_IDS)
