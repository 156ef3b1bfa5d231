"""One sentence right behind a document of 1 MiB, beside the same taken in alone."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from uuid import uuid4

from annals.composition.storage import intake_of
from annals.composition.stores import Stores
from annals.roles import ROLES
from bench.corpus import passages
from bench.servers import Figures, Stopwatch, running
from contracts.envelope import EventMetadata
from contracts.event_types import EventType
from eventstore.keys import AggregateKey
from services.deadline import Deadline
from services.storage.intake import Submission

LARGE_CHARACTERS = 1024 * 1024
ALONE = 9
REQUIRED = 3.0
POLL_S = 0.02
LIMIT_S = 600.0
_SENTENCES = passages(100, seed=11)


async def measure(folder: Path) -> Figures:
    """Seconds from taking a sentence in until every read model has it processed."""
    async with running(folder, roles=ROLES) as (services, _):
        for number in range(3):
            await take_in(services, f"warm-{number}", sentence(number))
        alone = [await take_in(services, f"alone-{number}", sentence(10 + number)) for number in range(ALONE)]
        large = asyncio.create_task(take_in(services, "large", prose(LARGE_CHARACTERS)))
        await until(partial(services.reader.last.of, [AggregateKey(services.settings.tenant, "document", "large")]))
        beside: list[float] = []
        while not large.done():
            beside.append(await take_in(services, f"beside-{len(beside)}", sentence(30 + len(beside))))
        whole = await large
    first, usual = beside[0], statistics.median(alone)
    return {
        "of": "seconds until a sentence right behind 1 MiB is in every read model, over those of a sentence alone",
        "ratio": round(first / usual, 2),
        "required": REQUIRED,
        "reached": first / usual <= REQUIRED,
        "seconds": {
            "alone_median": round(usual, 3),
            "behind": round(first, 3),
            "meanwhile_median": round(statistics.median(beside), 3),
            "meanwhile_longest": round(max(beside), 3),
            "large": round(whole, 1),
        },
        "sentences_meanwhile": len(beside),
    }


def sentence(number: int) -> str:
    """One sentence, another one for each number."""
    one = _SENTENCES[number % len(_SENTENCES)]
    return one.text[one.facts[1].start : one.facts[1].end]


def prose(characters: int) -> str:
    """So many characters of passages, all different."""
    made = "\n\n".join(passage.text for passage in passages(characters // 300, seed=12))
    assert len(made) > characters
    return made[:characters]


async def take_in(services: Stores, document_id: str, text: str) -> float:
    """Take one document in; returns the seconds until every read model has it processed."""
    watch = Stopwatch()
    metadata = EventMetadata(tenant=services.settings.tenant, actor="bench", source="bench")
    await intake_of(services).take(
        [
            Submission(
                document_id=document_id,
                title=document_id,
                text=text,
                metadata=metadata,
                event_id=uuid4(),
                correlation_id="bench",
            )
        ],
        Deadline.after(LIMIT_S),
    )
    await until(partial(is_processed, services, [AggregateKey(metadata.tenant, "document", document_id)]))
    return watch.seconds


async def until(true: Callable[[], Awaitable[object]], every_s: float = POLL_S) -> None:
    """Ask until it is so. Raises TimeoutError."""
    end = time.monotonic() + LIMIT_S
    while not await true():
        if time.monotonic() > end:
            raise TimeoutError(f"a document was not processed within {LIMIT_S:.0f} s")
        await asyncio.sleep(every_s)


async def is_processed(services: Stores, keys: Sequence[AggregateKey]) -> bool:
    """Whether the log and every read model have all of them processed."""
    latest = await services.reader.last.of(keys)
    if any(last.event_type != EventType.DOCUMENT_PROCESSED for last in latest.values()) or len(latest) < len(keys):
        return False
    for projection in services.projections.values():
        there = await projection.store.versions(keys)
        if any(there.get(key, 0) < latest[key][0] for key in keys):
            return False
    return True
