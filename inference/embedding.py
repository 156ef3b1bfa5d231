"""Sentence vectors: mean pooling over a transformer's last layer (Reimers and Gurevych 2019, arXiv 1908.10084)."""

import os
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from tokenizers import Encoding, Tokenizer

from inference.chunking import Offsets
from inference.embedder import POOLING
from inference.encoder import Encoder, Vectors
from inference.locations import MINILM_INT8
from inference.pretrained import Dtype

__all__ = ["Embedder", "Vectors", "vector"]


class Embedder:
    """Loads a model once; `run` and `embed` block and are to be called outside the event loop."""

    def __init__(
        self,
        name: str = MINILM_INT8,
        revision: str | None = None,
        *,
        threads: int | None = None,
        dtype: Dtype = "auto",
    ) -> None:
        """`threads`: how many the model may use, all by default. `dtype` is of models that run on torch.

        Raises InferenceError.
        """
        self._encoder = _load(name, revision, threads, dtype)
        self.dimension: int = self._encoder.dimension
        self.revision = f"{self._encoder.revision}/{POOLING}"
        self.tokenizer_revision = self._encoder.tokenizer_revision
        self._windows = self._encoder.tokenizer
        self._windows.no_padding()
        self._windows.enable_truncation(self._encoder.max_tokens)

    @cached_property
    def _counter(self) -> Tokenizer:
        """Counts a whole text: a tokenizer keeps its truncation as state, and questions are not counted."""
        counter = Tokenizer.from_str(self._windows.to_str())
        counter.no_truncation()
        return counter

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension), float32, each row of length 1.

        A text longer than the model reads at once is cut into windows; its vector is the average of theirs, each
        weighted by its number of tokens.
        """
        windows = [[one, *one.overflowing] for one in self._windows.encode_batch(list(texts))]
        vectors = self._encoder.encode([window for own in windows for window in own])
        if len(vectors) == len(texts):
            return vectors
        averaged, start = np.zeros((len(texts), self.dimension), dtype=np.float32), 0
        for number, own in enumerate(windows):
            part = vectors[start : start + len(own)]
            start += len(own)
            # The one window of a short text is its vector as it is.
            averaged[number] = part[0] if len(own) == 1 else _average(part, [_tokens(window) for window in own])
        return averaged

    def run(self, texts: Sequence[str]) -> list[bytes]:
        """Vectors at rest: float16, little endian."""
        return [row.astype("<f2").tobytes() for row in self.embed(texts)]

    def token_offsets(self, text: str) -> Offsets:
        """Characters of each token of the whole text, for the chunker."""
        # Of one text alone, `encode` would keep the interpreter lock.
        (encoded,) = self._counter.encode_batch([text], add_special_tokens=False)
        offsets: Offsets = encoded.offsets
        return offsets


def vector(output: bytes) -> Vectors:
    """A vector at rest as float32 of length 1, shape (dimension,)."""
    row = np.frombuffer(output, dtype="<f2").astype(np.float32)
    length = float(np.linalg.norm(row))
    return row / length if length > 0 else row


def _load(name: str, revision: str | None, threads: int | None, dtype: Dtype) -> Encoder:
    """Each with its own libraries, which the other does not need."""
    if name == MINILM_INT8:
        from inference.onnx_encoder import OnnxEncoder

        return OnnxEncoder(threads=threads or os.cpu_count() or 1)
    from inference.torch_encoder import TorchEncoder

    return TorchEncoder(name, revision, threads=threads, dtype=dtype)


def _tokens(window: Encoding) -> int:
    """Without those that frame it."""
    return len(window.ids) - sum(window.special_tokens_mask)


def _average(vectors: Vectors, tokens: Sequence[int]) -> Vectors:
    summed: Vectors = np.array(tokens, dtype=np.float32) @ vectors
    return summed / max(float(np.linalg.norm(summed)), 1e-9)
