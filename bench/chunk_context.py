"""What it is good for that the embedder reads headings and headers of tables with a chunk: which chunks are found."""

import asyncio
from itertools import product
from pathlib import Path

import numpy as np

from bench.headed import HeadedQuestion, documents
from bench.servers import Figures
from inference.chunk_context import ChunkContexts
from inference.chunking_strategies import StructureChunker
from inference.embedding import Embedder

AMONG = (1, 5, 10)


async def measure(_: Path) -> Figures:
    """Of the questions of a kind the share whose chunk is among the first by likeness alone; MRR: its mean 1 / rank."""
    return await asyncio.to_thread(_measured)


def _measured() -> Figures:
    embedder = Embedder()
    chunker = StructureChunker(embedder.token_offsets, embedder.tokenizer_revision)
    made = documents()
    chunks = [(number, one) for number, document in enumerate(made) for one in chunker.split(document.text)]
    answerable = [(number, one) for number, document in enumerate(made) for one in document.questions]
    questions = embedder.embed([one.question for _, one in answerable])
    found: Figures = {"of": f"{len(answerable)} questions to {len(chunks)} chunks of {len(made)} documents"}
    for with_headings, with_header in product((False, True), repeat=2):
        inputs = []
        for number, chunk in chunks:
            document = made[number]
            over = ChunkContexts(document.text).of(chunk.start, title=document.title).split("\n")
            lines = [line for line in over if line and (with_header if line.startswith("|") else with_headings)]
            inputs.append("\n".join([document.title, *lines, document.text[chunk.start : chunk.end]]))
        order = np.argsort(-(questions @ embedder.embed(inputs).T), axis=1)
        ranks: dict[str, list[int]] = {}
        for row, (number, one) in enumerate(answerable):
            right = {
                index
                for index, (other, chunk) in enumerate(chunks)
                if other == number and _holds(one, chunk.start, chunk.end)
            }
            ranks.setdefault(one.kind, []).append(next(rank for rank, at in enumerate(order[row]) if int(at) in right))
        name = " and ".join(["headings"] * with_headings + ["header"] * with_header) or "neither"
        found[name] = {
            kind: {
                **{f"recall@{k}": round(sum(rank < k for rank in own) / len(own), 3) for k in AMONG},
                "mrr": round(sum(1 / (1 + rank) for rank in own) / len(own), 3),
            }
            for kind, own in ranks.items()
        }
    return found


def _holds(answerable: HeadedQuestion, start: int, end: int) -> bool:
    return start <= answerable.at and answerable.at + answerable.length <= end
