"""Sentence vectors: mean pooling over a transformer's last layer (Reimers and Gurevych 2019, arXiv 1908.10084)."""

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from inference.chunking import Offsets
from inference.pretrained import load_pretrained

Vectors = npt.NDArray[np.float32]
BATCH = 32
MAX_TOKENS = 256
"""What MiniLM was trained to read; a longer text is cut."""
POOLING = "mean-1"


class Embedder:
    """Loads a model once; `run` and `embed` block and are to be called outside the event loop."""

    def __init__(self, name: str = "minilm", revision: str | None = None, *, threads: int | None = None) -> None:
        """Raises InferenceError."""
        import torch

        if threads is not None:
            torch.set_num_threads(threads)
        self._loaded = load_pretrained(name, revision, "AutoModel")
        self._max = min(MAX_TOKENS, int(getattr(self._loaded.model.config, "max_position_embeddings", MAX_TOKENS)))
        self.dimension: int = int(self._loaded.model.config.hidden_size)
        self.revision = f"{self._loaded.revision}/{POOLING}"
        # A tokenizer keeps its truncation as state: while one thread cuts for the model, another may not count.
        self._tokenizing = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension), float32, each row of length 1."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        # Texts of like length share a batch, so that little is padded.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(order), BATCH):
            indexes = order[start : start + BATCH]
            vectors[indexes] = self._embed_batch([texts[index] for index in indexes])
        return vectors

    def _embed_batch(self, texts: list[str]) -> Vectors:
        import torch

        with self._tokenizing:
            inputs = self._loaded.tokenizer(
                texts, padding=True, truncation=True, max_length=self._max, return_tensors="pt"
            )
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
        with self._tokenizing:
            encoded = self._loaded.tokenizer(
                text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
            )
        offsets: Offsets = encoded["offset_mapping"]
        return offsets


def vector(output: bytes) -> Vectors:
    """A vector at rest as float32 of length 1, shape (dimension,)."""
    row = np.frombuffer(output, dtype="<f2").astype(np.float32)
    length = float(np.linalg.norm(row))
    return row / length if length > 0 else row
