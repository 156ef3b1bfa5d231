"""The default embedder: int8 weights that say nearly what float32 says, and always the same of the same text."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from inference.chunking import Chunker
from inference.embedding import Embedder, Vectors

DOCUMENTS = Path(__file__).parents[2] / "docs"
MEAN, LEAST = 0.999, 0.997
"""Cosine to float32. Without it, two texts that share a subject are at 0.3 to 0.7."""


def passages() -> list[str]:
    """Prose, tables, lists, JSON, and texts of more than one window."""
    parts = [part for file in sorted(DOCUMENTS.glob("*.md")) for part in file.read_text().split("\n\n") if part.strip()]
    several = [json.dumps({"answer": 42, "unit": None}), "caf\u00e9 \U0001f600", "word " * 700, "a"]
    return parts[:: max(1, len(parts) // 100)] + several


@pytest.fixture(scope="module")
def ours(minilm: Embedder) -> Vectors:
    """Of the passages, by the default embedder."""
    return minilm.embed(passages())


@pytest.fixture(scope="module")
def theirs(float32: Embedder) -> Vectors:
    """Of the same, by float32."""
    return float32.embed(passages())


def test_it_agrees_with_float32(ours: Vectors, theirs: Vectors) -> None:
    agreement = (ours * theirs).sum(axis=1)
    assert len(agreement) > 80
    assert agreement.mean() > MEAN
    assert agreement.min() > LEAST


def test_the_nearest_of_float32_are_the_nearest(ours: Vectors, theirs: Vectors) -> None:
    """Of ten nearest, nine are the same: what differs is as near as the others."""
    near, exact = np.argsort(-ours @ ours.T)[:, :10], np.argsort(-theirs @ theirs.T)[:, :10]
    shared = [len(set(one) & set(other)) / 10 for one, other in zip(near, exact, strict=True)]
    assert np.mean(shared) > 0.9


def test_company_changes_nothing(minilm: Embedder) -> None:
    """To the bit: what is kept of a text is what it would be given today."""
    texts = passages()[:30]
    alone = np.stack([minilm.embed([text])[0] for text in texts])
    assert np.array_equal(minilm.embed(texts), alone)
    assert np.array_equal(minilm.embed(texts[::-1])[::-1], alone)
    assert np.array_equal(Embedder(threads=1).embed(texts), alone)
    assert np.array_equal(Embedder(threads=3).embed(texts), alone)


def test_many_threads_may_embed_at_once(minilm: Embedder) -> None:
    texts = passages()[:20]
    alone = minilm.embed(texts)
    with ThreadPoolExecutor(4) as threads:
        for vectors in threads.map(minilm.embed, [texts] * (os.cpu_count() or 1) * 2):
            assert np.array_equal(vectors, alone)


def test_chunks_do_not_depend_on_how_the_embedder_computes(minilm: Embedder, float32: Embedder) -> None:
    text = (DOCUMENTS / "operations.md").read_text()[:20_000]
    ours, theirs = (Chunker(one.token_offsets, one.tokenizer_revision) for one in (minilm, float32))
    assert ours.revision == theirs.revision
    assert ours.split(text) == theirs.split(text)
