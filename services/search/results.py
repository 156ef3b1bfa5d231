"""What a search is asked, and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reasoning.results import ScoredPassage

Mode = Literal["hybrid", "text", "vector", "graph"]
MODES: tuple[Mode, ...] = ("hybrid", "text", "vector", "graph")
MOST_FACETS, MOST_VALUES = 8, 20
MAX_PASSAGES = 100
"""Of a page."""
LONGEST_QUERY = 16_384
"""Characters; what is behind the first words and conditions that count is passed over long before."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """`query`: as `services.search.language` reads it. `like`: the id of a document or passage that what is found
    should be like; the query then limits what is found, and its words do not rank. `facets`: attributes to count by.

    `mode`: `text` by words (BM25), `vector` by meaning, `hybrid` by both, `graph` by nearness, in edges, to the
    entities that the query names.
    """

    query: str = ""
    mode: Mode = "hybrid"
    like: str | None = None
    facets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage, and the spans of its text that show why it was found."""

    passage: ScoredPassage
    highlights: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Best first. `next`: the cursor of the page behind, None where this is the last one.

    `found`: how many passages were found in all; a search goes no further than MOST_FOUND, and `truncated` says that it
    ended there. `facets`: of the documents found, how many have which value of each attribute that was asked for, the
    most frequent first, MOST_VALUES at most.
    """

    passages: tuple[FoundPassage, ...]
    next: str | None
    found: int
    truncated: bool
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
