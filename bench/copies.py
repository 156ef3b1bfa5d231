"""A real set among renamed copies of itself, as rows of read models."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.sample import TENANT, Sample
from contracts.folding import name_key
from contracts.ids import entity_id, normalise_name
from eventstore.keys import AggregateKey
from projections.changes import Change
from projections.graph.reads import Mention, Statement, Subject
from projections.vector.reads import Passage
from reasoning.words import STOP_WORDS

LIKENESS = 0.7
"""Cosine of a copy's vector with that of what it is a copy of."""
_CAPITALISED = re.compile(r"\b[A-Z]\w+")
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def _copies(sample: Sample, size: int) -> Iterator[tuple[int, "_Renamed", Passage]]:
    """(copy number, its names, passage of the set); copy 0 is the set as it is."""
    known = _name_words(sample)
    for number in range(-(-size // len(sample.passages))):
        renamed = _Renamed(number, known)
        for passage in sample.passages[: size - number * len(sample.passages)]:
            yield number, renamed, passage


class _Renamed:
    """Names of one copy: each of their words has syllables of its own behind it."""

    def __init__(self, copy: int, known: frozenset[str]) -> None:
        first, second = divmod(copy, len(_SYLLABLES))
        self._suffix = "" if copy == 0 else _SYLLABLES[second] + (_SYLLABLES[first] if first else "")
        self._known = known
        self._prefix = "" if copy == 0 else f"{copy}-"

    def id(self, own: str) -> str:
        return self._prefix + own

    def text(self, text: str) -> str:
        if not self._suffix:
            return text
        return _CAPITALISED.sub(lambda word: word[0] + self._suffix if word[0] in self._known else word[0], text)


def _name_words(sample: Sample) -> frozenset[str]:
    names = itertools.chain(
        (one.name for one in sample.snapshot.subjects), (one.name for one in sample.snapshot.mentions)
    )
    words = {word for name in names for word in _CAPITALISED.findall(name)}
    return frozenset(word for word in words if word.lower() not in STOP_WORDS)


def graph_changes(sample: Sample, size: int) -> Iterator[Change]:
    """What the graph holds of so many passages."""
    snapshot = sample.snapshot
    of_subjects: dict[str, list[Subject]] = {}
    of_mentions: dict[str, list[Mention]] = {}
    of_statements: dict[str, list[Statement]] = {}
    for subject in snapshot.subjects:
        of_subjects.setdefault(subject.chunk_id, []).append(subject)
    for mention in snapshot.mentions:
        of_mentions.setdefault(mention.chunk_id, []).append(mention)
    for statement in snapshot.statements:
        of_statements.setdefault(statement.chunk_id, []).append(statement)
    for number, renamed, passage in _copies(sample, size):
        document, chunk = renamed.id(passage.document_id), renamed.id(passage.chunk_id)

        def named(name: str, own: str, renamed: _Renamed = renamed, number: int = number) -> tuple[str, str]:
            name = renamed.text(name)
            return name, own if number == 0 else entity_id(TENANT, name)

        subjects: list[tuple[Any, ...]] = []
        for subject in of_subjects.get(passage.chunk_id, ()):
            name, entity = named(subject.name, subject.entity_id)
            subjects.append((TENANT, document, chunk, entity, name, subject.quality, name_key(name)))
        mentions: dict[str, tuple[Any, ...]] = {}
        for mention in of_mentions.get(passage.chunk_id, ()):
            name, entity = named(mention.name, mention.entity_id)
            accented = "" if name_key(name) == normalise_name(name) else name_key(name)
            mentions[entity] = (TENANT, document, chunk, entity, name, "", mention.times, accented)
        relations: list[tuple[Any, ...]] = []
        for said in of_statements.get(passage.chunk_id, ()):
            (who, who_id), (what, what_id) = named(said.subject, said.subject_id), named(said.object, said.object_id)
            relation = renamed.id(said.relation_id)
            span = (said.start, said.end, said.confidence, said.modality, said.time, said.valid_from, said.valid_until)
            relations.append((TENANT, document, relation, who_id, who, said.predicate, what_id, what, chunk, *span))
        index = passage.start
        yield Change(
            AggregateKey(TENANT, "document", f"{document}/{index}"),
            0,
            1,
            {
                "passages": [(TENANT, document, chunk, index)],
                "subjects": subjects,
                "mentions": list(mentions.values()),
                "relations": relations,
            },
        )


def vector_changes(sample: Sample, size: int) -> Iterator[Change]:
    """What the vector read model holds of them."""
    random = np.random.default_rng(17)
    for number, renamed, passage in _copies(sample, size):
        vector = sample.vectors[passage.chunk_id]
        if number:
            noise = random.standard_normal(len(vector)).astype(np.float32)
            noise -= vector * float(noise @ vector)
            vector = LIKENESS * vector + np.sqrt(1 - LIKENESS**2) * noise / np.linalg.norm(noise)
        document = renamed.id(passage.document_id)
        title, text = renamed.text(passage.title), renamed.text(passage.text)
        length = 2 * len(re.findall(r"\w+", title)) + len(re.findall(r"\w+", text))
        row = (
            TENANT, document, renamed.id(passage.chunk_id), passage.start, title, text, passage.start, passage.end,
            sample.model, len(vector), np.asarray(vector, dtype="<f2").tobytes(), length, "",
            "english", None, None,
        )  # fmt: skip
        yield Change(AggregateKey(TENANT, "document", f"{document}/{passage.start}"), 0, 1, {"passages": [row]})
