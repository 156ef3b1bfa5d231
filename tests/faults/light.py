"""Light models behind the real stages: a sentence is a chunk, a capitalised word a person, `Ada met Bob.` a relation.

Vectors follow from the text alone and are near to one another, so that rules for names never lack a context.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import numpy as np

from inference import analysis
from inference.analysis import Analysis, EntitySpan, NameSpan, RelationSpan
from inference.cached import CachedModel
from inference.chunking import Chunker
from inference.model import OutputStore
from inference.runner import Inference

DIMENSION = 8
LONGEST = 5
"""Words of a sentence, which has three at least: no two fit into a chunk."""
_NAME = re.compile(r"\b[A-Z]\w*")


def light_inference(outputs: OutputStore) -> Inference:
    """What the stages ask of inference."""
    parser = CachedModel("capitals@1", _parse, outputs)
    light = SimpleNamespace(
        chunker=Chunker(_words, "words", max_tokens=LONGEST, overlap_tokens=0),
        embedder=CachedModel("nearby@1", _embed, outputs),
        entities=parser,
        relations=parser,
    )
    return cast(Inference, light)


def _words(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", text)]


async def _embed(texts: Sequence[str]) -> list[bytes]:
    return [_vector(text) for text in texts]


def _vector(text: str) -> bytes:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    vector = np.random.default_rng(seed).standard_normal(DIMENSION) * 0.1
    vector[0] += 1
    return (vector / np.linalg.norm(vector)).astype("<f2").tobytes()


async def _parse(texts: Sequence[str]) -> list[bytes]:
    return [analysis.encode(_analysis(text)) for text in texts]


def _analysis(text: str) -> Analysis:
    names = [NameSpan(match.start(), match.end(), match[0]) for match in _NAME.finditer(text)]
    people = (EntitySpan(name.start, name.end, name.name, "PERSON", 0.9) for name in names)
    return Analysis(tuple(people), tuple(_relations(text, names)))


def _relations(text: str, names: Sequence[NameSpan]) -> Iterator[RelationSpan]:
    for one, other in pairwise(names):
        between = text[one.end : other.start].strip()
        if re.fullmatch(r"\w+", between):
            yield RelationSpan(one, between, other, one.start, other.end, 0.8)
