"""What runs a transformer for the embedder: windows of tokens in, vectors out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """A loaded model. `encode` blocks, and may be called from several threads."""

    @property
    def revision(self) -> str:
        """Names the weights and how they compute."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """Cuts text into the model's tokens."""
        ...

    @property
    def tokenizer_revision(self) -> str:
        """Names the tokenizer: the same one cuts for several encoders."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens of a window, at most, those that frame it included."""
        ...

    def encode(self, windows: Sequence[Encoding]) -> Vectors:
        """Mean over the last layer's tokens: shape (windows, dimension), each row of length 1."""
        ...
