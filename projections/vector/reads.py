"""What can be read from the vector read model, whichever database holds it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from projections.vector.text_query import TextQuery

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk with its text; `start` and `end` are characters of the whole document."""

    chunk_id: str
    document_id: str
    title: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that a search found; a higher score is better."""

    chunk_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Frequencies:
    """How many passages there are, and how many hold each word, in any of its forms; stop words are not counted."""

    passages: int
    holding: Mapping[str, int]


class PassageSearch(Protocol):
    """Reads and searches passages. Every method raises StoreUnavailableError when the database is away.

    `documents` limits a search to passages of these, `collections` to those of documents of these, "" for none: what it
    takes does not grow with how many documents that are.
    """

    async def content_tag(self, tenant: str) -> str:
        """Changes whenever the tenant's passages change."""
        ...

    async def nearest(
        self,
        tenant: str,
        model: str,
        vector: Vector,
        k: int,
        documents: Sequence[str] | None = None,
        collections: Collection[str] | None = None,
    ) -> list[Hit]:
        """The `k` nearest to a vector of length 1, shape (dimension,), by cosine similarity; best first.

        Searched are passages that were embedded by the revision `model`, whose vector it is: vectors of two models
        have nothing to do with each other.
        """
        ...

    async def compared(self, tenant: str, model: str, vector: Vector, chunk_ids: Sequence[str]) -> list[Hit]:
        """The cosine similarity of each of these passages that the revision `model` embedded, best first."""
        ...

    async def models(self, tenant: str | None = None) -> dict[str, int]:
        """Revisions of the embedders that the passages have vectors of, each with the number of its passages.

        Without a tenant: of all tenants, for what serves them all.
        """
        ...

    async def matching(
        self,
        tenant: str,
        query: str,
        k: int,
        documents: Sequence[str] | None = None,
        collections: Collection[str] | None = None,
    ) -> list[Hit]:
        """The best `k` by BM25 over stemmed words, the title counted twice; best first, none without a shared word.

        Where many passages hold nothing but the query's common words, not all of them are looked at.
        """
        ...

    async def frequencies(self, tenant: str, words: Sequence[str]) -> Frequencies:
        """How rare these words are among the tenant's passages."""
        ...

    async def passages(
        self, tenant: str, chunk_ids: Sequence[str], collections: Collection[str] | None = None
    ) -> dict[str, Passage]:
        """By chunk id; what is not there, or of another collection, is left out."""
        ...


class PassageReader(PassageSearch, Protocol):
    """Reads passages by document, by full text, and all of them, too."""

    @property
    def most_dimensions(self) -> int:
        """Of a vector that can be stored and searched."""
        ...

    async def all_passages(self, tenant: str) -> list[Passage]:
        """Every passage of the tenant."""
        ...

    async def full_text(
        self, tenant: str, query: TextQuery, k: int, documents: Sequence[str] | None = None
    ) -> list[Hit]:
        """The `k` best of those that pass the query, by BM25 of its ranking words; best first, in a tie by chunk id."""
        ...

    async def of_document(self, tenant: str, document_id: str) -> list[Passage]:
        """A document's passages, in their order."""
        ...
