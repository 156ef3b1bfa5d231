"""A set of passages and questions as an installation takes it in, with its vectors and its graph."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annals.composition.inference import open_inference
from annals.composition.stores import Stores
from annals.roles import ROLES
from bench.servers import running
from projections.graph.postgres import PostgresGraph
from projections.graph.reads import GraphSnapshot
from projections.vector.postgres import PostgresPassages
from projections.vector.reads import Passage, Vector

TENANT = "default"
INGEST_LIMIT_S = 3600.0


@dataclass(frozen=True)
class Question:
    """`gold`: ids of the documents that answer it."""

    text: str
    gold: frozenset[str]
    vector: Vector


@dataclass(frozen=True)
class Sample:
    """A set as it was taken in, and its questions."""

    passages: Sequence[Passage]
    snapshot: GraphSnapshot
    vectors: Mapping[str, Vector]
    model: str
    questions: Sequence[Question]


class KnownVectors:
    """Embeds questions that it was told the vectors of."""

    def __init__(self, sample: Sample) -> None:
        self.revision = sample.model
        # A reasoner embeds a question without the space around it.
        self._vectors = {question.text.strip(): question.vector for question in sample.questions}

    async def load(self) -> None:
        """It is loaded."""

    async def embed(self, texts: Sequence[str]) -> Vector:
        """Shape (texts, dimension)."""
        return np.stack([self._vectors[text] for text in texts])


async def take_in(folder: Path, set_folder: Path) -> Sample:
    """Take the set (`corpus.jsonl`, `questions.jsonl`) in with `annals up`, over `folder`. Raises AnnalsError."""
    async with running(folder, roles=ROLES) as (services, _):
        arguments = ["ingest", str(set_folder / "corpus.jsonl"), "--wait", "--json", "--data", str(folder)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "annals", *arguments, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(INGEST_LIMIT_S):
                if await process.wait():
                    raise RuntimeError(f"annals ingest ended with {process.returncode}")
        finally:
            if process.returncode is None:
                process.kill()
        return await _read(services, set_folder / "questions.jsonl")


async def _read(services: Stores, questions: Path) -> Sample:
    lines = (await asyncio.to_thread(questions.read_text, "utf-8")).splitlines()
    asked = [json.loads(line) for line in lines if line.strip()]
    inference = open_inference(services.settings, services.outputs)
    try:
        vectors = await inference.embed_queries([one["question"] for one in asked])
        model = inference.embedder.revision
    finally:
        inference.close()
    rows = await services.pool.fetch("SELECT chunk_id, embedding FROM vector.passages WHERE tenant = $1", TENANT)
    return Sample(
        passages=await PostgresPassages(services.pool).all_passages(TENANT),
        snapshot=await PostgresGraph(services.pool).snapshot(TENANT),
        vectors={row["chunk_id"]: np.frombuffer(row["embedding"], dtype="<f2").astype(np.float32) for row in rows},
        model=model,
        questions=[
            Question(one["question"], frozenset(one["gold"]), vector)
            for one, vector in zip(asked, vectors, strict=True)
        ],
    )
