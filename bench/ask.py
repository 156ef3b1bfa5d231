"""Answering questions over the corpus of the ingestion, beside searches for the same."""

import statistics
from pathlib import Path

from annals.composition.use_cases import use_cases_over
from annals.roles import ROLES
from bench import ingest
from bench.corpus import passages
from bench.servers import Figures, Stopwatch, quantiles, running
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.reasoning.ask import ASK_LIMIT_S
from services.search.results import SearchRequest
from telemetry.collector import collect_rarely

QUESTIONS = 100


async def measure(folder: Path) -> Figures:
    """Milliseconds to answer questions that differ, asked one after the other, the models loaded."""
    corpus = passages(ingest.PASSAGES)
    data = _passages_of(folder)
    if data == folder:
        async with running(data, roles=ROLES) as (services, _):
            await ingest.take_in(services, data, corpus)
    questions = [
        question
        for passage in corpus
        for question in (
            f"Who {passage.facts[1].predicate} the {passage.facts[1].object}?",
            f"Where was {passage.facts[0].subject} of {passage.title.split(' of ')[1]} born?",
        )
    ][:QUESTIONS]
    async with running(data) as (services, _), use_cases_over(services) as use_cases:
        service = use_cases.ask
        await service.load()
        collect_rarely()
        caller = Caller(services.settings.tenant, services.settings.actor, "bench", FULL_ACCESS)
        watch = Stopwatch()
        await service.ask(caller, "What is known about Greywater?", 5, Deadline.after(ASK_LIMIT_S))
        first = watch.seconds * 1000
        asked, searched, answered = [], [], 0
        for question in questions:
            watch = Stopwatch()
            await use_cases.search.search(
                caller, SearchRequest(question), after=None, limit=5, deadline=Deadline.after(ASK_LIMIT_S)
            )
            searched.append(watch.seconds * 1000)
            watch = Stopwatch()
            found = await service.ask(caller, question, 5, Deadline.after(ASK_LIMIT_S))
            asked.append(watch.seconds * 1000)
            answered += found.answer.answer is not None
    return {
        "of": "speed of an answer, its event stored, beside a hybrid search for the same (medians)",
        "ratio": round(statistics.median(searched) / statistics.median(asked), 3),
        "required": None,
        "questions": len(questions),
        "answered": answered,
        "passages": len(corpus) + ingest.WARM_UP,
        "milliseconds": {
            **quantiles(asked, 1),
            "search_p50": round(statistics.median(searched), 1),
            "first_builds_the_index": round(first, 1),
        },
    }


def _passages_of(folder: Path) -> Path:
    """Where the ingestion of the same run has left them; else a folder of its own, so that it may still follow."""
    left = folder.parent / "ingest"
    return left if left.exists() else folder
