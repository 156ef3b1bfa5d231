"""The models alone: threads of the embedder, windows a run, text that the parser is given at once; quiet and busy."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
from tokenizers import Encoding

from bench.corpus import passages
from bench.ingest import MemoryOutputs
from bench.servers import Figures, Stopwatch
from inference import cached
from inference.encoder import Vectors
from inference.onnx_encoder import DIMENSION, OnnxEncoder
from inference.runner import Inference, InferenceSettings
from services.processing.embedder_input import embedder_input

PASSAGES = 200
THREADS = (1, 2)
WINDOWS = (1, 8)
SLICES_KIB = (4, 8, 32)
ROUNDS = 3

MADE = passages(PASSAGES)
TEXTS = [one.text for one in MADE]
INPUTS = [embedder_input(one.title, one.text) for one in MADE]


class BatchedEncoder(OnnxEncoder):
    """Several windows in one run of the model, padded to the longest, as most encoders have it."""

    def __init__(self, *, threads: int, windows: int) -> None:
        super().__init__(threads=threads)
        self._windows = windows

    def encode(self, windows: Sequence[Encoding]) -> Vectors:
        """As OnnxEncoder, but for the last digits."""
        order = sorted(range(len(windows)), key=lambda number: len(windows[number].ids))
        batches = [order[start : start + self._windows] for start in range(0, len(order), self._windows)]
        run = self._threads.map if self._threads is not None else map
        vectors = np.zeros((len(windows), DIMENSION), dtype=np.float32)
        for numbers, rows in zip(
            batches, run(lambda batch: self._batch([windows[n] for n in batch]), batches), strict=True
        ):
            vectors[numbers] = rows
        return vectors

    def _batch(self, windows: Sequence[Encoding]) -> Vectors:
        ids = np.zeros((len(windows), max(len(window.ids) for window in windows)), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(windows):
            ids[row, : len(window.ids)], mask[row, : len(window.ids)] = window.ids, 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = np.asarray(self._session.run(None, inputs)[0], dtype=np.float32)
        pooled: Vectors = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        rows: Vectors = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return rows


async def measure(_: Path) -> Figures:
    """Passages a second, and a second of processor time; medians of ROUNDS. Busy: each core has another process."""
    return {
        "of": f"{PASSAGES} passages through the default models: a second, and a second of processor time",
        "quiet": await _all(),
        "busy": await _busy(),
    }


async def _busy() -> dict[str, dict[str, float]]:
    with _spinning(os.cpu_count() or 1):
        return await _all()


@contextlib.contextmanager
def _spinning(count: int) -> Iterator[None]:
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in spinning:
            one.kill()
            one.wait()


async def _all() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for threads in THREADS:
        for windows in WINDOWS:
            encoder = OnnxEncoder(threads=threads) if windows == 1 else BatchedEncoder(threads=threads, windows=windows)
            encoded = encoder.tokenizer.encode_batch(INPUTS)

            async def embed(encoder: OnnxEncoder = encoder, encoded: Sequence[Encoding] = encoded) -> None:
                await asyncio.to_thread(encoder.encode, encoded)

            found[f"embedder, {threads} threads, {windows} windows a run"] = await _median(embed)
    for kib in SLICES_KIB:
        async with _inference(slice_kib=kib) as (inference, outputs):

            async def parse(inference: Inference = inference, outputs: MemoryOutputs = outputs) -> None:
                outputs.forget()
                await inference.relations.outputs(TEXTS)

            found[f"parser, {kib} KiB at once"] = await _median(parse)
    for threads in THREADS:
        async with _inference(threads=threads) as (inference, outputs):

            async def both(inference: Inference = inference, outputs: MemoryOutputs = outputs) -> None:
                outputs.forget()
                await asyncio.gather(inference.embedder.outputs(INPUTS), inference.relations.outputs(TEXTS))

            found[f"side by side, embedder with {threads} threads"] = await _median(both)
    return found


@contextlib.asynccontextmanager
async def _inference(
    *, threads: int | None = None, slice_kib: int | None = None
) -> AsyncIterator[tuple[Inference, MemoryOutputs]]:
    usual = cached.SLICE_CHARACTERS
    outputs = MemoryOutputs()
    inference = Inference(InferenceSettings(torch_threads=threads), outputs)
    try:
        cached.SLICE_CHARACTERS = usual if slice_kib is None else slice_kib * 1024
        await inference.warm_up()
        yield inference, outputs
    finally:
        cached.SLICE_CHARACTERS = usual
        inference.close()


async def _median(work: Callable[[], Awaitable[None]]) -> dict[str, float]:
    await work()
    rounds = []
    for _ in range(ROUNDS):
        before, watch = _processor_s(), Stopwatch()
        await work()
        rounds.append((PASSAGES / watch.seconds, PASSAGES / (_processor_s() - before)))
    each, processor = (sorted(column)[ROUNDS // 2] for column in zip(*rounds, strict=True))
    return {"passages_per_s": round(each, 1), "passages_per_processor_s": round(processor, 1)}


def _processor_s() -> float:
    """Of this process and the parser's."""
    own = psutil.Process()
    times = [one.cpu_times() for one in (own, *own.children()) if "while True" not in " ".join(one.cmdline())]
    return sum(one.user + one.system for one in times)
