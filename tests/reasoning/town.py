"""A made-up town to ask about, and readers over it that keep everything in memory."""

import asyncio
from collections.abc import Collection, Sequence

import numpy as np

from contracts.folding import name_key
from contracts.ids import entity_id
from inference.embedding import Embedder
from inference.naming import names_of
from projections.graph.reads import GraphSnapshot, Mention, Statement, Subject
from projections.vector.reads import Frequencies, Hit, Passage
from reasoning.embedder import Vectors
from reasoning.index import Index
from reasoning.words import content_of

TENANT = "town"
TOWN = {
    "lantern": (
        "The Glass Lantern",
        "The Glass Lantern is a novel of 1931. It was written by Mirela Voss in one winter.",
    ),
    "voss": ("Mirela Voss", "Mirela Voss was a writer. She grew up in Orlinga and worked there as a teacher."),
    "orlinga": ("Orlinga", "Orlinga is a town on the river Teshe. Its mayor since 2011 is Hanno Brill."),
    "bridge": ("Teshe Bridge", "The Teshe Bridge crosses the river with four arches of granite."),
    "bread": ("Rye bread", "Rye bread is baked from sour dough. The crust is dark and thick."),
    "moth": ("Silk moth", "The silk moth lays its eggs on mulberry leaves in early summer."),
    "glazier": ("Glazier", "A glazier cuts glass for windows and lanterns, and sets it with putty."),
    "novel": ("Winter Harvest", "Winter Harvest is a novel of 1954 about a farm. Its author never signed it."),
}


def passages_of(town: dict[str, tuple[str, str]]) -> list[Passage]:
    """One passage a document, whose id is the chunk's with `doc-` before it."""
    return [Passage(key, f"doc-{key}", title, text, 0, len(text)) for key, (title, text) in town.items()]


def snapshot_of(town: dict[str, tuple[str, str]]) -> GraphSnapshot:
    """What titles say, and one mention and one statement as a parser would find them."""
    subjects = [
        Subject(entity_id(TENANT, name), name, key, quality)
        for key, (title, _) in town.items()
        for name, quality in names_of(title, None)
    ]
    river, orlinga = entity_id(TENANT, "Teshe"), entity_id(TENANT, "Orlinga")
    mentions = [Mention(river, "Teshe", key, 1) for key in ("orlinga", "bridge") if key in town]
    statements = [Statement("r", orlinga, "Orlinga", "be on", river, "Teshe", "orlinga", 0, 38, 0.8)]
    return GraphSnapshot(subjects, mentions, statements)


def index_of(town: dict[str, tuple[str, str]] = TOWN) -> Index:
    """The town's index."""
    return Index(passages_of(town), snapshot_of(town))


class TownEmbedder:
    """The real embedder, outside the event loop."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def revision(self) -> str:
        """The model's."""
        return self._embedder.revision

    async def load(self) -> None:
        """It is loaded."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, dimension)."""
        return await asyncio.to_thread(self._embedder.embed, list(texts))


class TownReaders:
    """Graph and passages of one town. Both versions change when a passage is added."""

    def __init__(self, embedder: TownEmbedder, town: dict[str, tuple[str, str]] = TOWN) -> None:
        self.town = dict(town)
        self.model = embedder.revision
        self._embedder = embedder

    async def content_tag(self, tenant: str) -> str:
        """How many passages there are."""
        return f"{tenant}/{len(self.town)}"

    async def named(self, tenant: str, keys: Sequence[str], most: int) -> list[Subject]:
        """By key."""
        subjects = sorted(snapshot_of(self.town).subjects, key=lambda one: (-one.quality, one.chunk_id))
        return [one for key in keys for one in [s for s in subjects if name_key(s.name) == key][:most]]

    async def mentioned(self, tenant: str, keys: Sequence[str], most: int) -> list[Mention]:
        """By key."""
        mentions = snapshot_of(self.town).mentions
        return [one for key in keys for one in [m for m in mentions if name_key(m.name) == key][:most]]

    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """What these passages say."""
        whole, own = snapshot_of(self.town), set(chunk_ids)
        return GraphSnapshot(
            [one for one in whole.subjects if one.chunk_id in own],
            [one for one in whole.mentions if one.chunk_id in own],
            [one for one in whole.statements if one.chunk_id in own],
        )

    async def spread(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, int]:
        """Passages that mention it or are about it."""
        whole = snapshot_of(self.town)
        speaking: dict[str, set[str]] = {}
        rows = [(one.entity_id, one.chunk_id) for one in whole.subjects]
        for entity, chunk in rows + [(one.entity_id, one.chunk_id) for one in whole.mentions]:
            speaking.setdefault(entity, set()).add(chunk)
        return {key: len(speaking[key]) for key in entity_ids if len(speaking.get(key, ())) > 1}

    async def frequencies(self, tenant: str, words: Sequence[str]) -> Frequencies:
        """By stems."""
        contents = [content_of(f"{title} {text}") for title, text in self.town.values()]
        holding = {word: sum(content_of(word) <= content for content in contents) for word in words if content_of(word)}
        return Frequencies(len(contents), holding)

    async def models(self, tenant: str | None = None) -> dict[str, int]:
        """The one that embedded all of the town."""
        return {self.model: len(self.town)} if self.town else {}

    async def nearest(
        self,
        tenant: str,
        model: str,
        vector: Vectors,
        k: int,
        documents: Sequence[str] | None = None,
        collections: Collection[str] | None = None,
    ) -> list[Hit]:
        """By cosine, all compared."""
        if model != self.model:
            return []
        vectors = await self._embedder.embed([f"{title}\n{text}" for title, text in self.town.values()])
        cosines = dict(zip(self.town, (vectors @ vector).tolist(), strict=True)) if self.town else {}
        hits = (Hit(key, cosine) for key, cosine in cosines.items() if _within(key, documents, collections))
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    async def compared(self, tenant: str, model: str, vector: Vectors, chunk_ids: Sequence[str]) -> list[Hit]:
        """By cosine."""
        return [hit for hit in await self.nearest(tenant, model, vector, len(self.town)) if hit.chunk_id in chunk_ids]

    async def matching(
        self,
        tenant: str,
        query: str,
        k: int,
        documents: Sequence[str] | None = None,
        collections: Collection[str] | None = None,
    ) -> list[Hit]:
        """By the number of words shared."""
        wanted = content_of(query)
        shared = {key: len(wanted & content_of(f"{title} {text}")) for key, (title, text) in self.town.items()}
        hits = [
            Hit(key, float(count)) for key, count in shared.items() if count and _within(key, documents, collections)
        ]
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    async def passages(
        self, tenant: str, chunk_ids: Sequence[str], collections: Collection[str] | None = None
    ) -> dict[str, Passage]:
        """By chunk id."""
        return {
            passage.chunk_id: passage
            for passage in passages_of(self.town)
            if passage.chunk_id in chunk_ids and _within(passage.chunk_id, None, collections)
        }


def _within(key: str, documents: Sequence[str] | None, collections: Collection[str] | None) -> bool:
    """Each passage is a document, which is a collection of its own."""
    return (documents is None or f"doc-{key}" in documents) and (collections is None or f"of-{key}" in collections)


def own_scores(index: Index, **scores: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Scores by passage number; those not named have 0.1."""
    own = np.full(len(index.passages), 0.1)
    for key, score in scores.items():
        own[index.numbers[key]] = score
    return own
