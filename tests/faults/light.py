"""Light models behind the real stages: a sentence is a chunk, a capitalised word a person, `Ada met Bob.` a relation.

Another model of entities finds others. Vectors follow from the text alone and are near to one another, so that rules
for names never lack a context.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import cast

import numpy as np

from inference import analysis
from inference.analysis import Analysis, EntitySpan, NameSpan, RelationSpan
from inference.cached import CachedModel
from inference.chunking import Chunker
from inference.embedders import EmbedderName
from inference.extractors import ExtractorName
from inference.model import OutputStore
from inference.runner import Inference
from projections.vector.model import ChunksToEmbed
from services.processing.embedder_input import EmbedderInputs

DIMENSION = 8
EMBEDDERS = ("nearby@1", "nearby@2")
"""What they are called, and their revisions."""
EXTRACTORS = ("capitals@1", "longer@1")
"""The same of those that find entities; the first one finds relations, whichever finds the entities."""
LONGEST = 5
"""Words of a sentence, which has three at least: no two fit into a chunk."""
_NAME = re.compile(r"\b[A-Z]\w*")
_LONGER = re.compile(r"\b[A-Z]\w{3,}|(?<=\bvery )\w+")
KINDS = {"Cleo": "ORG", "well": "EVENT", "loudly": "EVENT"}
"""Of those that the second one calls no person."""


class LightInference:
    """What is asked of `Inference`, of embedders that are called by their revisions."""

    def __init__(self, outputs: OutputStore) -> None:
        self.chunker = Chunker(_words, "words", max_tokens=LONGEST, overlap_tokens=0)
        self._extractors = {
            one: CachedModel(one, run, outputs) for one, run in zip(EXTRACTORS, (_parse, _find_longer), strict=True)
        }
        self.reading = ExtractorName(EXTRACTORS[0]), ExtractorName(EXTRACTORS[0])
        self._embedders = {one: CachedModel(one, partial(_embed, one), outputs) for one in EMBEDDERS}
        self.serving = EMBEDDERS[0]

    @property
    def embedder(self) -> CachedModel:
        """The one that serves."""
        return self._embedders[self.serving]

    @property
    def entities(self) -> CachedModel:
        """The one that finds entities."""
        return self._extractors[self.reading[0].name]

    @property
    def relations(self) -> CachedModel:
        """The one that finds relations."""
        return self._extractors[self.reading[1].name]

    async def extractor(self, name: ExtractorName) -> CachedModel:
        """The one of this name."""
        return self._extractors[name.name]

    async def read_by(self, entities: ExtractorName, relations: ExtractorName) -> None:
        """Find entities and relations with these."""
        self.reading = entities, relations

    async def load(self, name: EmbedderName) -> CachedModel:
        """The one of this name."""
        return self._embedders[name.name]

    async def serve(self, name: EmbedderName) -> None:
        """Embed with this one."""
        self.serving = name.name

    def dimension_of(self, name: EmbedderName) -> int:
        """All have the same."""
        return DIMENSION

    async def tokens(self, text: str) -> int:
        """Words."""
        return len(_words(text))

    async def vectors(self, revision: str, missing: Sequence[ChunksToEmbed]) -> Mapping[str, bytes]:
        """What `projections.vector.model.MakeVectors` makes."""
        read = {
            chunk.input_digest: inputs.of_chunk(chunk)
            for one in missing
            for inputs in [EmbedderInputs(one.title, one.text, one.attributes)]
            for chunk in one.chunks
        }
        return dict(zip(read, await self._embedders[revision].outputs(list(read.values())), strict=True))


def light_inference(outputs: OutputStore) -> tuple[LightInference, Inference]:
    """What the stages ask of inference, by its own type and by theirs."""
    light = LightInference(outputs)
    return light, cast(Inference, light)


def _words(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", text)]


async def _embed(revision: str, texts: Sequence[str]) -> list[bytes]:
    return [vector_by(revision, text) for text in texts]


def vector_by(revision: str, text: str) -> bytes:
    """What an embedder says of a text."""
    seed = int.from_bytes(hashlib.sha256(f"{revision} {text}".encode()).digest()[:8])
    vector = np.random.default_rng(seed).standard_normal(DIMENSION) * 0.1
    vector[0] += 1
    return (vector / np.linalg.norm(vector)).astype("<f2").tobytes()


async def _parse(texts: Sequence[str]) -> list[bytes]:
    return [analysis.encode(_analysis(text)) for text in texts]


async def _find_longer(texts: Sequence[str]) -> list[bytes]:
    return [analysis.encode(Analysis(tuple(_longer(text)), ())) for text in texts]


def _longer(text: str) -> Iterator[EntitySpan]:
    for match in _LONGER.finditer(text):
        yield EntitySpan(match.start(), match.end(), match[0], KINDS.get(match[0], "PERSON"), 0.7)


def _analysis(text: str) -> Analysis:
    names = [NameSpan(match.start(), match.end(), match[0]) for match in _NAME.finditer(text)]
    people = (EntitySpan(name.start, name.end, name.name, "PERSON", 0.9) for name in names)
    return Analysis(tuple(people), tuple(_relations(text, names)))


def _relations(text: str, names: Sequence[NameSpan]) -> Iterator[RelationSpan]:
    for one, other in pairwise(names):
        between = text[one.end : other.start].strip()
        if re.fullmatch(r"\w+", between):
            yield RelationSpan(one, between, other, one.start, other.end, 0.8)
