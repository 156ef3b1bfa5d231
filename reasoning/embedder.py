"""What turns questions into vectors; the model behind it is somebody else's."""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Serving:
    """`generation` names that of the passages whose vectors are this embedder's; None where it never changes."""

    embedder: QueryEmbedder
    generation: str | None = None


class Embedders(Protocol):
    """Another embedder may take over at any moment, together with its vectors."""

    async def present(self) -> Serving:
        """The one whose vectors are searched now; perhaps not loaded yet. Raises StoreUnavailableError,
        InferenceError.
        """
        ...

    async def prepare(self) -> None:
        """Load the one that is about to take over, where one is, without waiting for it."""
        ...


class OneEmbedder:
    """Nothing takes over from it."""

    def __init__(self, embedder: QueryEmbedder) -> None:
        self._serving = Serving(embedder)

    async def present(self) -> Serving:
        """Always the same."""
        return self._serving

    async def prepare(self) -> None:
        """None is about to."""
