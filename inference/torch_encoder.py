"""Any encoder of `transformers`, on torch: on a GPU where there is one."""

from collections.abc import Iterator, Sequence

import numpy as np
from tokenizers import Encoding, Tokenizer

from inference.encoder import Vectors
from inference.pretrained import Dtype, import_torch, load_pretrained

MAX_TOKENS = 256
"""A longer text is read in windows of this size."""
BATCH_TOKENS = 1024
BATCH_TOKENS_GPU = 65_536
"""Tokens of a batch, padding included: what a processor's cache holds, and what keeps a GPU busy."""


class TorchEncoder:
    """Windows of like length share a batch of at most so many tokens, so that little is padded."""

    def __init__(
        self, name: str, revision: str | None = None, *, threads: int | None = None, dtype: Dtype = "auto"
    ) -> None:
        """Raises InferenceError."""
        loaded = load_pretrained(name, revision, "AutoModel", dtype=dtype)
        if threads is not None:
            import_torch().set_num_threads(threads)
        self._model, self._device = loaded.model, loaded.device
        config = loaded.model.config
        self._types = "token_type_ids" in loaded.tokenizer.model_input_names
        self._pad = loaded.tokenizer.pad_token_id or 0
        # A copy: transformers changes the truncation of its own.
        self.tokenizer = Tokenizer.from_str(loaded.tokenizer.backend_tokenizer.to_str())
        self.revision = loaded.revision
        self.tokenizer_revision = loaded.content
        self.dimension = int(config.hidden_size)
        self.max_tokens = min(MAX_TOKENS, int(getattr(config, "max_position_embeddings", MAX_TOKENS)))

    def encode(self, windows: Sequence[Encoding]) -> Vectors:
        """Shape (windows, dimension), each row of length 1."""
        vectors = np.zeros((len(windows), self.dimension), dtype=np.float32)
        budget = BATCH_TOKENS if self._device == "cpu" else BATCH_TOKENS_GPU
        for numbers in batches_of([len(window.ids) for window in windows], budget):
            vectors[numbers] = self._batch([windows[number] for number in numbers])
        return vectors

    def _batch(self, windows: Sequence[Encoding]) -> Vectors:
        torch = import_torch()
        longest = max(len(window.ids) for window in windows)
        ids = np.full((len(windows), longest), self._pad, dtype=np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for row, window in enumerate(windows):
            length = len(window.ids)
            ids[row, :length], mask[row, :length], types[row, :length] = window.ids, 1, window.type_ids
        inputs = {"input_ids": ids, "attention_mask": mask} | ({"token_type_ids": types} if self._types else {})
        tensors = {name: torch.from_numpy(values).to(self._device) for name, values in inputs.items()}
        with torch.inference_mode():
            hidden = self._model(**tensors).last_hidden_state.to(torch.float32)
            weights = tensors["attention_mask"].unsqueeze(-1).to(torch.float32)
            pooled = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
            normalised: Vectors = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return normalised


def batches_of(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Numbers of windows of like length: times the longest, a batch has at most `budget` tokens, or is one window."""
    part: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda number: lengths[number]):
        if part and (len(part) + 1) * lengths[number] > budget:
            yield part
            part = []
        part.append(number)
    if part:
        yield part
