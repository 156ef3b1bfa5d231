"""`python -m bench.gpu [MODEL]`: our embedder on a GPU against sentence-transformers, with one model, in one run.

Needs the extra `models`, sentence-transformers (an optional peer, in no lock) and a GPU; nothing else of ours runs,
so that a machine without servers will do.
"""

import importlib
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.corpus import passages
from inference.embedding import Embedder
from inference.encoder import Vectors
from inference.locations import MINILM

TEXTS = 20_000
ROUNDS = 3
PEERS = {"float32, 32 texts a batch (its defaults)": ("float32", 32), "bfloat16, 512 texts a batch": ("bfloat16", 512)}

Embed = Callable[[Sequence[str]], Vectors]


def measure(model: str) -> dict[str, object]:
    """Texts a second of each, the median of ROUNDS in turn; `model` is a folder. Agreement is the mean cosine."""
    torch = importlib.import_module("torch")
    peer_of = importlib.import_module("sentence_transformers").SentenceTransformer

    texts = made(TEXTS)
    ours = Embedder(model)
    embed: dict[str, Embed] = {"ours": ours.embed}
    for name, (dtype, size) in PEERS.items():
        peer = peer_of(model, device="cuda", model_kwargs={"dtype": getattr(torch, dtype)})
        embed[name] = _peer(peer, size)
    rates: dict[str, list[float]] = {name: [] for name in embed}
    vectors: dict[str, Vectors] = {}
    for name, run in embed.items():
        vectors[name] = run(texts[:2_000])
    for _ in range(ROUNDS):
        for name, run in embed.items():
            began = time.perf_counter()
            run(texts)
            rates[name].append(len(texts) / (time.perf_counter() - began))
    each = {name: statistics.median(found) for name, found in rates.items()}
    return {
        "device": torch.cuda.get_device_name(),
        "model": ours.revision,
        "texts_per_s": {name: round(rate) for name, rate in each.items()},
        "ratio": {name: round(each["ours"] / each[name], 3) for name in PEERS},
        "agreement": {name: round(float(np.mean((vectors["ours"] * vectors[name]).sum(1))), 5) for name in PEERS},
    }


def made(count: int) -> list[str]:
    """Texts of one to nine sentences, as the chunks of mixed documents are."""
    choose = random.Random(11)
    sentences = [part.strip() for one in passages(count // 2) for part in one.text.split(". ")]
    return [". ".join(choose.choices(sentences, k=choose.randint(1, 9))) for _ in range(count)]


def _peer(model: Any, size: int) -> Embed:
    def embed(texts: Sequence[str]) -> Vectors:
        found = model.encode(list(texts), batch_size=size, normalize_embeddings=True, show_progress_bar=False)
        rows: Vectors = found.astype(np.float32)
        # In bfloat16 a normalised row's length is 1 only about.
        normalised: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return normalised

    return embed


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1] if len(sys.argv) > 1 else MINILM), indent=2))
