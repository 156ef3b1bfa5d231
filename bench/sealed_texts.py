"""What texts take on disk, sealed and in the clear, and what of a processor to store and to read one."""

import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from annals.composition.stores import Stores
from bench.corpus import passages
from bench.history import TENANT
from bench.servers import Figures, running
from eventstore.texts import TextStore

TEXTS = 2000
BATCH = 100
ROUNDS = 3


async def measure(folder: Path) -> Figures:
    """Over one server, passages as they are and ten to a text; the table is written anew before it is measured."""
    made = [one.text for one in passages(TEXTS, seed=900)]
    long = ["\n\n".join(made[start : start + 10]) for start in range(0, TEXTS, 10)]
    found: Figures = {
        "of": "texts: bytes of the table and its index a byte of text, microseconds of this process a text"
    }
    async with running(folder) as (stores, _):
        for name, texts in (("passages", made), ("ten_passages", long)):
            for sealed in (True, False):
                rounds = [await _round(stores, texts, sealed=sealed) for _ in range(ROUNDS)]
                disk, put, got = (statistics.median(column) for column in zip(*rounds, strict=True))
                found[f"{name}_{'sealed' if sealed else 'clear'}"] = {
                    "bytes_a_byte": round(disk, 3),
                    "us_put": round(put),
                    "us_get": round(got),
                }
    return found


async def _round(stores: Stores, texts: list[str], *, sealed: bool) -> tuple[float, float, float]:
    await stores.pool.execute("TRUNCATE annals.texts")
    store = TextStore(stores.pool, stores.keys if sealed else None)
    batches = [
        [(TENANT, f"text/{start + at}", text) for at, text in enumerate(texts[start : start + BATCH])]
        for start in range(0, len(texts), BATCH)
    ]
    keys = []

    async def put() -> None:
        for batch in batches:
            references = await store.put_many(batch)
            keys.append([(*one[:2], reference.digest) for one, reference in zip(batch, references, strict=True)])

    async def get() -> None:
        for some in keys:
            await store.get_many(some)

    written, read = await _processor(put), await _processor(get)
    await stores.pool.execute("VACUUM FULL annals.texts")
    size = await stores.pool.fetchval("SELECT pg_total_relation_size('annals.texts')")
    return size / sum(len(text.encode()) for text in texts), written / len(texts), read / len(texts)


async def _processor(work: Callable[[], Awaitable[None]]) -> float:
    """Microseconds of this process."""
    began = time.process_time()
    await work()
    return (time.process_time() - began) * 1e6
