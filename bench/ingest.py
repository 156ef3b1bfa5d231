"""Passages through the whole pipeline, beside the bare models in a loop over the same passages."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from annals.composition.inference import open_inference
from annals.composition.stores import Stores
from annals.roles import ROLES
from bench.corpus import Passage, passages, write_corpus
from bench.processor import processor_s
from bench.servers import Figures, Stopwatch, ratio, running
from contracts.event_types import EventType
from inference.runner import Inference
from services.processing.embedder_input import embedder_input

PASSAGES = 400
WARM_UP = 40
REQUIRED = 0.8
LIMIT_S = 300.0


class MemoryOutputs:
    """Model outputs in a dictionary: what is left of the store when nothing is to be kept."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    async def get_many(self, model: str, digests: Sequence[str]) -> dict[str, bytes]:
        """What is there."""
        return {digest: self._kept[model, digest] for digest in digests if (model, digest) in self._kept}

    async def put_many(self, model: str, outputs: Mapping[str, bytes]) -> None:
        """Have these there."""
        self._kept.update({(model, digest): output for digest, output in outputs.items()})

    def forget(self) -> None:
        """Have nothing there."""
        self._kept.clear()


async def measure(folder: Path) -> Figures:
    """Passages a second: the pipeline's from the first event to the last, the models' before and after it."""
    made = passages(PASSAGES)
    async with running(folder, roles=ROLES) as (services, _):
        outputs = MemoryOutputs()
        inference = open_inference(services.settings, outputs)
        try:
            await inference.warm_up()
            await _beside(inference, passages(WARM_UP, seed=8))
            before = await _bare(inference, outputs, made)
            taken, steady, processor_ms = await take_in(services, folder, made)
            after = await _bare(inference, outputs, made)
        finally:
            inference.close()
    beside, one_by_one = ((one + other) / 2 for one, other in zip(before, after, strict=True))
    reached = ratio(taken, beside)
    return {
        "of": "passages a second from the first event to the last, beside the bare models side by side",
        "ratio": reached,
        "required": REQUIRED,
        "reached": reached >= REQUIRED,
        "ratio_between_first_and_last_processed": ratio(steady, beside),
        "ratio_to_models_one_after_the_other": ratio(taken, one_by_one),
        "models_after_to_models_before": ratio(after[0], before[0]),
        "passages_per_s": {
            "pipeline": round(taken, 1),
            "pipeline_between_first_and_last_processed": round(steady, 1),
            "models_side_by_side": round(beside, 1),
            "models_one_after_the_other": round(one_by_one, 1),
        },
        "processor_ms_per_passage": processor_ms,
    }


async def take_in(services: Stores, folder: Path, made: Sequence[Passage]) -> tuple[float, float, dict[str, float]]:
    """`annals ingest --wait` on a warm worker.

    Passages a second, from the first DocumentIngested to the last DocumentProcessed, and from the first to the last
    DocumentProcessed: the second has the first batch's results for nothing. And milliseconds of processor time that a
    passage took of each process, until every read model has it, models and waiting included.
    """
    await _ingest(folder, passages(WARM_UP, seed=9))
    behind = await services.reader.head()
    before = await asyncio.to_thread(processor_s, folder)
    await _ingest(folder, made)
    after = await asyncio.to_thread(processor_s, folder)
    moments: dict[EventType, list[datetime]] = {EventType.DOCUMENT_INGESTED: [], EventType.DOCUMENT_PROCESSED: []}
    for event in await services.reader.after(behind, 10 * len(made)):
        if event.event_type in moments:
            moments[event.event_type].append(event.timestamp)
    began, processed = min(moments[EventType.DOCUMENT_INGESTED]), sorted(moments[EventType.DOCUMENT_PROCESSED])
    assert len(processed) == len(made)
    return (
        len(made) / (processed[-1] - began).total_seconds(),
        (len(made) - 1) / (processed[-1] - processed[0]).total_seconds(),
        {role: round(1000 * (seconds - before.get(role, 0)) / len(made), 1) for role, seconds in after.items()},
    )


async def _ingest(folder: Path, made: Sequence[Passage]) -> None:
    corpus = folder / "corpus.jsonl"
    await asyncio.to_thread(write_corpus, corpus, made)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "annals", "ingest", str(corpus), "--wait", "--json", "--data", str(folder)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            if await process.wait():
                raise RuntimeError(f"annals ingest ended with {process.returncode}")
    finally:
        if process.returncode is None:
            process.kill()


async def _bare(inference: Inference, outputs: MemoryOutputs, made: Sequence[Passage]) -> tuple[float, float]:
    """Passages a second with both models at once, and with one after the other."""
    outputs.forget()
    watch = Stopwatch()
    await _beside(inference, made)
    beside = watch.seconds
    outputs.forget()
    watch = Stopwatch()
    await inference.embedder.outputs(_inputs(made))
    await inference.relations.outputs([passage.text for passage in made])
    return len(made) / beside, len(made) / watch.seconds


async def _beside(inference: Inference, made: Sequence[Passage]) -> None:
    """As the worker does it: torch in a thread, the parser in a process of its own."""
    await asyncio.gather(
        inference.embedder.outputs(_inputs(made)), inference.relations.outputs([passage.text for passage in made])
    )


def _inputs(made: Sequence[Passage]) -> list[str]:
    return [embedder_input(passage.title, passage.text) for passage in made]
