"""What reasoning reads: a graph, passages and the embedder of questions. The stores behind them are somebody else's."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from projections.graph.reads import GraphSnapshot as GraphSnapshot
from projections.graph.reads import Mention as Mention
from projections.graph.reads import Statement as Statement
from projections.graph.reads import Subject as Subject
from projections.vector.reads import Hit as Hit
from projections.vector.reads import Passage as Passage

Vectors = npt.NDArray[np.float32]


class GraphReader(Protocol):
    """Reads the graph."""

    async def content_tag(self, tenant: str) -> str:
        """Changes whenever the graph of that tenant changes."""
        ...

    async def snapshot(self, tenant: str) -> GraphSnapshot:
        """All of it."""
        ...


class PassageReader(Protocol):
    """Reads and searches passages."""

    async def content_tag(self, tenant: str) -> str:
        """Changes whenever the passages of that tenant change."""
        ...

    async def nearest(self, tenant: str, model: str, vector: Vectors, k: int) -> list[Hit]:
        """Of passages embedded by the revision `model`, the `k` nearest to its vector, by cosine; best first."""
        ...

    async def models(self, tenant: str) -> dict[str, int]:
        """Revisions of the embedders that the passages have vectors of, each with the number of its passages."""
        ...

    async def matching(self, tenant: str, query: str, k: int) -> list[Hit]:
        """The best `k` by BM25 over stemmed words, the title counted twice; best first, none without a shared word."""
        ...

    async def passages(self, tenant: str, chunk_ids: Sequence[str]) -> dict[str, Passage]:
        """By chunk id; what is not there is left out."""
        ...

    async def all_passages(self, tenant: str) -> list[Passage]:
        """Every passage of the tenant."""
        ...


class QueryEmbedder(Protocol):
    """Turns questions and sentences into vectors of the same space as the passages'."""

    @property
    def revision(self) -> str:
        """The model and what is done to its output."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension), each row of length 1."""
        ...
