"""Asking while documents come in through the inbox, beside asking where nothing else happens."""

import asyncio
import itertools
import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from annals.composition.stores import Stores
from annals.composition.use_cases import UseCases, use_cases_over
from annals.roles import ROLES
from bench.corpus import Passage, passages
from bench.fairness import is_processed, until
from bench.inbox_producer import InboxProducer
from bench.servers import Figures, Stopwatch, quantiles, running
from contracts.event_types import EventType
from eventstore.keys import AggregateKey
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.reasoning.ask import ASK_LIMIT_S
from telemetry.collector import collect_rarely

PASSAGES = 200
PER_SECOND = 100
SECONDS = 20.0
WARM = 10
MOST = 100_000
REQUIRED = 2.0


async def measure(folder: Path) -> Figures:
    """Milliseconds of an answer, its event stored, by the use case in a process of its own, as the gateway has it.

    One question after the other, none of them cached: the same questions idle and under load, SECONDS long each.
    """
    corpus = passages(PASSAGES)
    async with running(folder, roles=ROLES) as (stores, addresses), use_cases_over(stores) as use_cases:
        producer = InboxProducer(addresses["broker"], addresses["inbox_topic"])
        await asyncio.gather(use_cases.load(), _take_in(stores, producer, corpus))
        collect_rarely()
        await _asked(stores, use_cases, _questions(passages(WARM, seed=8)), SECONDS)
        idle = await _asked(stores, use_cases, _questions(corpus), SECONDS)
        head, before = await stores.reader.head(), producer.sent
        watch = Stopwatch()
        async with producer.sending(PER_SECOND, partial(next, itertools.count())):
            under = await _asked(stores, use_cases, _questions(corpus), SECONDS)
            seconds = watch.seconds
            sent, processed = producer.sent - before, await _processed(stores, head)
        await producer.flush()
    p95 = statistics.quantiles(under, n=20)[-1] / statistics.quantiles(idle, n=20)[-1]
    return {
        "of": f"milliseconds of an answer while {PER_SECOND} documents a second come in, to those idle (p95)",
        "ratio": round(p95, 2),
        "required": REQUIRED,
        "reached": p95 <= REQUIRED,
        "ratio_of_medians": round(statistics.median(under) / statistics.median(idle), 2),
        "passages_before": PASSAGES,
        "documents_per_s": {"sent": round(sent / seconds, 1), "processed": round(processed / seconds, 1)},
        "asked": {"idle": len(idle), "under_load": len(under)},
        "milliseconds": {"idle": quantiles(idle, 1), "under_load": quantiles(under, 1)},
    }


async def _take_in(stores: Stores, producer: InboxProducer, corpus: Sequence[Passage]) -> None:
    for passage in corpus:
        producer.send(passage.document_id, passage.title, passage.text)
    await producer.flush()
    keys = [AggregateKey(stores.settings.tenant, "document", passage.document_id) for passage in corpus]
    await until(partial(is_processed, stores, keys))


def _questions(corpus: Sequence[Passage]) -> list[str]:
    return [
        question
        for passage in corpus
        for question in (
            f"Who {passage.facts[1].predicate} the {passage.facts[1].object}?",
            f"Where was {passage.facts[0].subject} of {passage.title.split(' of ')[1]} born?",
        )
    ]


async def _asked(stores: Stores, use_cases: UseCases, questions: Sequence[str], seconds: float) -> list[float]:
    """Milliseconds of each, of as many as are answered in so many seconds."""
    caller = Caller(stores.settings.tenant, stores.settings.actor, "bench", FULL_ACCESS)
    whole, asked = Stopwatch(), list[float]()
    for question in questions:
        watch = Stopwatch()
        answered = await use_cases.ask.ask(caller, question, 5, Deadline.after(ASK_LIMIT_S))
        if not answered.cached:
            asked.append(watch.seconds * 1000)
        if whole.seconds > seconds:
            break
    return asked


async def _processed(stores: Stores, after: int) -> int:
    """How many documents were processed behind this position of the log."""
    events = await stores.reader.of_types([EventType.DOCUMENT_PROCESSED], after, await stores.reader.head(), MOST)
    return len(events)
