"""What turns questions into vectors; the model behind it is somebody else's."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


class QueryEmbedder(Protocol):
    """Turns questions and sentences into vectors of the same space as the passages'."""

    @property
    def revision(self) -> str:
        """The model and what is done to its output."""
        ...

    async def load(self) -> None:
        """Make it ready; nothing where it is. Raises InferenceError."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension), each row of length 1."""
        ...
