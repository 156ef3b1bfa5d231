"""MiniLM on ONNX Runtime, its weights kept in int8: without torch, and twice as fast."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
from tokenizers import Encoding, Tokenizer

from inference.embedder import MINILM_INT8_REVISION
from inference.encoder import Vectors
from inference.locations import MINILM_NAME, MINILM_SHA256, minilm_int8, minilm_tokenizer
from inference.model import InferenceError

TOKENIZER_REVISION = f"{MINILM_NAME}@{MINILM_SHA256[:16]}"
"""The same as of the float32 model, so that both have the same chunks."""
DIMENSION = 384
MAX_TOKENS = 256
"""What MiniLM was trained to read."""


class OnnxEncoder:
    """Each window runs by itself, on one thread of `threads`.

    So nothing is padded, a text has the very same vector beside any others, and threads that share no run never wait
    for each other. Batches of several are no faster on a processor.
    """

    revision = MINILM_INT8_REVISION
    tokenizer_revision = TOKENIZER_REVISION
    dimension = DIMENSION
    max_tokens = MAX_TOKENS

    def __init__(self, *, threads: int = 1) -> None:
        """Raises InferenceError."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.tokenizer = Tokenizer.from_file(str(minilm_tokenizer()))
            self._session = onnxruntime.InferenceSession(
                str(minilm_int8()), options, providers=["CPUExecutionProvider"]
            )
        except InferenceError:
            raise
        except Exception as error:  # each library has its own
            raise InferenceError(
                f"cannot load the embedder: {str(error).splitlines()[0]}; install Annals again"
            ) from error
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="onnx") if threads > 1 else None

    def encode(self, windows: Sequence[Encoding]) -> Vectors:
        """Shape (windows, dimension), each row of length 1."""
        if self._threads is None or len(windows) < 2:
            rows = [self._vector(window) for window in windows]
        else:
            rows = list(self._threads.map(self._vector, windows))
        return np.stack(rows) if rows else np.zeros((0, DIMENSION), dtype=np.float32)

    def _vector(self, window: Encoding) -> Vectors:
        ids = np.array([window.ids], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden = np.asarray(self._session.run(None, inputs)[0], dtype=np.float32)
        pooled: Vectors = hidden[0].mean(axis=0)
        return pooled / max(float(np.linalg.norm(pooled)), 1e-12)
