"""From a message in the inbox until its document is found, and until it is processed: idle, and beside others."""

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path

from annals.composition.stores import Stores
from annals.composition.use_cases import UseCases, use_cases_over
from annals.roles import ROLES
from bench.fairness import is_processed, until
from bench.inbox_producer import InboxProducer, short_text, word
from bench.servers import Figures, Stopwatch, quantiles, running
from eventstore.keys import AggregateKey
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.search.results import SearchRequest

WARM, TRIES = 5, 20
PER_SECOND = 20
REQUIRED_S = {"found": 0.19, "processed": 0.36}
"""At the median."""
LIMIT_S = 60.0
LOOKED_S = 0.01
"""How often the vector read model is asked what it has of a document."""


async def measure(folder: Path) -> Figures:
    """Seconds from handing a message over, the waits for one another's end left out: one document at a time."""
    async with running(folder, roles=ROLES) as (stores, addresses), use_cases_over(stores) as use_cases:
        producer = InboxProducer(addresses["broker"], addresses["inbox_topic"])
        numbers = partial(next, itertools.count())
        wait = partial(_waited, stores, use_cases, producer, numbers)
        for _ in range(WARM):
            await wait()
        idle = [await wait() for _ in range(TRIES)]
        async with producer.sending(PER_SECOND, numbers):
            for _ in range(WARM):
                await wait()
            watch, before = Stopwatch(), producer.sent
            busy = [await wait() for _ in range(TRIES)]
            others = (producer.sent - before - TRIES) / watch.seconds
        await producer.flush()
    alone, beside = _quantiles(idle), _quantiles(busy)
    return {
        "of": f"seconds from the inbox until found, beside {PER_SECOND} documents a second, to those idle (medians)",
        "ratio": round(beside["found"]["p50"] / alone["found"]["p50"], 2),
        "ratio_until_processed": round(beside["processed"]["p50"] / alone["processed"]["p50"], 2),
        "required_s": REQUIRED_S,
        "reached": all(found[name]["p50"] <= most for found in (alone, beside) for name, most in REQUIRED_S.items()),
        "idle_to_required": {name: round(alone[name]["p50"] / most, 2) for name, most in REQUIRED_S.items()},
        "tries": TRIES,
        "others_per_s": round(others, 1),
        "seconds": {"idle": alone, "beside_others": beside},
    }


async def _waited(
    stores: Stores, use_cases: UseCases, producer: InboxProducer, numbers: Callable[[], int]
) -> tuple[float, float]:
    """Seconds until a search for its word finds it, and until the log and every read model have it processed.

    It is searched for as soon as the vector read model has more of it: between two searches every 20 ms it was there
    for a while.
    """
    number = numbers()
    caller = Caller(stores.settings.tenant, stores.settings.actor, "bench", FULL_ACCESS)
    request = SearchRequest(word(number), mode="text")
    document_id = f"waited-{number}"
    key = AggregateKey(caller.tenant, "document", document_id)
    vector, there = stores.projections["vector"].store, 0

    async def is_found() -> bool:
        nonlocal there
        before, there = there, (await vector.versions([key])).get(key, 0)
        if there == before:
            return False
        page = await use_cases.search.search(caller, request, after=None, limit=1, deadline=Deadline.after(LIMIT_S))
        return bool(page.passages)

    watch = Stopwatch()
    producer.send(document_id, f"Paper {number}", short_text(number))
    await until(is_found, LOOKED_S)
    found = watch.seconds
    await until(partial(is_processed, stores, [key]))
    return found, watch.seconds


def _quantiles(waited: list[tuple[float, float]]) -> dict[str, dict[str, float]]:
    return {name: quantiles(seconds, 3) for name, seconds in zip(REQUIRED_S, zip(*waited, strict=True), strict=True)}
