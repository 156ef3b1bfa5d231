"""Sentence vectors: mean pooling over a transformer's last layer (Reimers and Gurevych 2019, arXiv 1908.10084)."""

import copy
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.chunking import Offsets
from inference.embedder import POOLING
from inference.pretrained import import_torch, load_pretrained

Vectors = npt.NDArray[np.float32]
BATCH = 32
MAX_TOKENS = 256
"""What MiniLM was trained to read; a longer text is read in windows of this size."""


class Embedder:
    """Loads a model once; `run` and `embed` block and are to be called outside the event loop."""

    def __init__(self, name: str = "minilm", revision: str | None = None, *, threads: int | None = None) -> None:
        """Raises InferenceError."""
        torch = import_torch()
        if threads is not None:
            torch.set_num_threads(threads)
        self._loaded = load_pretrained(name, revision, "AutoModel")
        self._max = min(MAX_TOKENS, int(getattr(self._loaded.model.config, "max_position_embeddings", MAX_TOKENS)))
        self.dimension: int = int(self._loaded.model.config.hidden_size)
        self.revision = f"{self._loaded.revision}/{POOLING}"
        # A tokenizer keeps its truncation as state, so counting, which takes long for a long text, has one of its own.
        self._counter = copy.deepcopy(self._loaded.tokenizer)
        self._tokenizing = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension), float32, each row of length 1.

        A text longer than the model reads at once is cut into windows; its vector is the average of theirs, each
        weighted by its number of tokens.
        """
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        # Texts of like length share a batch, so that little is padded.
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        for start in range(0, len(order), BATCH):
            numbers = order[start : start + BATCH]
            vectors[numbers] = self._embed_batch([texts[number] for number in numbers])
        return vectors

    def _embed_batch(self, texts: list[str]) -> Vectors:
        with self._tokenizing:
            inputs = self._loaded.tokenizer(
                texts,
                padding=True,
                truncation=True,
                max_length=self._max,
                return_overflowing_tokens=True,
                return_special_tokens_mask=True,
                return_tensors="pt",
            )
        text_of_window = inputs.pop("overflow_to_sample_mapping").numpy()
        tokens = (1 - inputs.pop("special_tokens_mask")).sum(1).numpy().astype(np.float32)
        windows = np.concatenate(
            [
                self._embed_windows({name: rows[start : start + BATCH] for name, rows in inputs.items()})
                for start in range(0, len(text_of_window), BATCH)
            ]
        )
        if len(windows) == len(texts):
            return windows
        sums = np.zeros((len(texts), self.dimension), dtype=np.float32)
        np.add.at(sums, text_of_window, windows * tokens[:, np.newaxis])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        # The one window of a short text is its vector as it is: what is kept of it from earlier stays the same.
        alone = np.bincount(text_of_window, minlength=len(texts)) == 1
        averaged: Vectors = sums / np.maximum(lengths, 1e-9)
        averaged[alone] = windows[alone[text_of_window]]
        return averaged

    def _embed_windows(self, inputs: Mapping[str, Any]) -> Vectors:
        """Tensors of shape (windows, tokens) to (windows, dimension), each row of length 1."""
        torch = import_torch()
        with torch.inference_mode():
            hidden = self._loaded.model(**inputs).last_hidden_state
        mask = inputs["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        normalised: Vectors = torch.nn.functional.normalize(pooled, dim=1).to(torch.float32).numpy()
        return normalised

    def run(self, texts: Sequence[str]) -> list[bytes]:
        """Vectors at rest: float16, little endian."""
        return [row.astype("<f2").tobytes() for row in self.embed(texts)]

    def token_offsets(self, text: str) -> Offsets:
        """Characters of each token of the whole text, for the chunker."""
        encoded = self._counter(
            text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
        )
        offsets: Offsets = encoded["offset_mapping"]
        return offsets


def vector(output: bytes) -> Vectors:
    """A vector at rest as float32 of length 1, shape (dimension,)."""
    row = np.frombuffer(output, dtype="<f2").astype(np.float32)
    length = float(np.linalg.norm(row))
    return row / length if length > 0 else row
