"""A real set among renamed copies of itself, as rows of read models."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from bench.sample import TENANT, Sample
from contracts.folding import name_key
from contracts.ids import entity_id, normalise_name
from eventstore.keys import AggregateKey
from projections.changes import Change
from projections.graph.reads import Mention, Statement, Subject
from projections.vector.reads import Passage
from reasoning.words import STOP_WORDS

LIKENESS, SPREAD = 0.53, 0.16
"""Mean and standard deviation of the cosine of a copy's vector with that of what it is a copy of, as the default
embedder has it: passages of musique-100 with the words of their names exchanged among them have 0.37 (0.16), and a
passage has 0.53 with the nearest of the others."""
LEAST, MOST = 0.1, 0.95
_CAPITALISED = re.compile(r"\b[A-Z]\w+")
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
_ANY = "zzqq"
"""Stands for a copy's syllables until it is known which they are: no text has it."""

Row = TypeVar("Row", Subject, Mention, Statement)


@dataclass(frozen=True, slots=True)
class _Name:
    """A name, cut where a copy's syllables go: as it is written, normalised, and as a key."""

    written: Sequence[str]
    normalised: Sequence[str]
    key: Sequence[str]

    def renamed(self, suffix: str) -> tuple[str, str, str, str]:
        """As it is written, the entity's id, the key, and the key where the id does not follow from it."""
        written, key = suffix.join(self.written), suffix.join(self.key)
        return written, entity_id(TENANT, written), key, "" if key == suffix.join(self.normalised) else key


class Copies:
    """By number: copy 0 is the set as it is, names of the others have syllables of the copy behind their words."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._subjects = _by_passage(sample.snapshot.subjects)
        self._mentions = _by_passage(sample.snapshot.mentions)
        self._statements = _by_passage(sample.snapshot.statements)

    def count(self, size: int) -> int:
        """How many copies, the set among them, so many passages need."""
        return -(-size // len(self._sample.passages))

    def graph(self, number: int, size: int) -> Iterator[Change]:
        """What the graph holds of a copy, where so many passages are wanted in all."""
        suffix = _suffix(number)
        names = {name: cut.renamed(suffix) for name, cut in self._names.items()}
        for passage in self._passages(number, size):
            own, document = passage.chunk_id, _id(number, passage.document_id)
            chunk = _id(number, own)
            subjects: list[tuple[Any, ...]] = []
            for subject in self._subjects[own]:
                name, entity, key, _ = names[subject.name]
                entity = entity if number else subject.entity_id
                subjects.append((TENANT, document, chunk, entity, name, subject.quality, key))
            mentions: dict[str, tuple[Any, ...]] = {}
            for mention in self._mentions[own]:
                name, entity, _, accented = names[mention.name]
                entity = entity if number else mention.entity_id
                mentions[entity] = (TENANT, document, chunk, entity, name, "", mention.times, accented)
            relations: list[tuple[Any, ...]] = []
            for said in self._statements[own]:
                (who, who_id, *_), (what, what_id, *_) = names[said.subject], names[said.object]
                if not number:
                    who_id, what_id = said.subject_id, said.object_id
                relation = _id(number, said.relation_id)
                span = (said.start, said.end, said.confidence)
                when = (said.modality, said.time, said.valid_from, said.valid_until)
                relations.append(
                    (TENANT, document, relation, who_id, who, said.predicate, what_id, what, chunk, *span, *when)
                )
            yield Change(
                AggregateKey(TENANT, "document", f"{document}/{passage.start}"),
                0,
                1,
                {
                    "passages": [(TENANT, document, chunk, passage.start)],
                    "subjects": subjects,
                    "mentions": list(mentions.values()),
                    "relations": relations,
                },
            )

    def vector(self, number: int, size: int) -> Iterator[Change]:
        """What the vector read model holds of it."""
        random, suffix = np.random.default_rng([17, number]), _suffix(number)
        for passage in self._passages(number, size):
            vector = self._sample.vectors[passage.chunk_id]
            if number:
                noise = random.standard_normal(len(vector), np.float32)
                noise -= vector * float(noise @ vector)
                likeness = float(np.clip(random.normal(LIKENESS, SPREAD), LEAST, MOST))
                vector = likeness * vector + np.sqrt(1 - likeness**2) * noise / np.linalg.norm(noise)
            document, (title, text, length) = _id(number, passage.document_id), self._texts[passage.chunk_id]
            row = (
                TENANT, document, _id(number, passage.chunk_id), passage.start, suffix.join(title), suffix.join(text),
                passage.start, passage.end, self._sample.model, len(vector),
                np.asarray(vector, dtype="<f2").tobytes(), length, "", "english", None, None,
            )  # fmt: skip
            yield Change(AggregateKey(TENANT, "document", f"{document}/{passage.start}"), 0, 1, {"passages": [row]})

    def renamed(self, number: int, passage: Passage) -> tuple[str, str]:
        """Title and text of a passage in a copy."""
        title, text, _ = self._texts[passage.chunk_id]
        return _suffix(number).join(title), _suffix(number).join(text)

    def _passages(self, number: int, size: int) -> Sequence[Passage]:
        return self._sample.passages[: max(0, size - number * len(self._sample.passages))]

    @cached_property
    def _names(self) -> dict[str, _Name]:
        """Every name of the graph."""
        snapshot = self._sample.snapshot
        names = {one.name for one in snapshot.subjects} | {one.name for one in snapshot.mentions}
        names |= {name for said in snapshot.statements for name in (said.subject, said.object)}
        return {name: self._cut_name(name) for name in names}

    @cached_property
    def _texts(self) -> dict[str, tuple[Sequence[str], Sequence[str], int]]:
        """By passage: title and text, cut, and how many words they count for."""
        return {
            passage.chunk_id: (
                self._cut(passage.title),
                self._cut(passage.text),
                2 * len(re.findall(r"\w+", passage.title)) + len(re.findall(r"\w+", passage.text)),
            )
            for passage in self._sample.passages
        }

    @cached_property
    def _known(self) -> frozenset[str]:
        """Words of names."""
        snapshot = self._sample.snapshot
        names = (one.name for some in (snapshot.subjects, snapshot.mentions) for one in some)
        words = {word for name in names for word in _CAPITALISED.findall(name)}
        return frozenset(word for word in words if word.lower() not in STOP_WORDS)

    def _cut(self, text: str) -> Sequence[str]:
        return self._marked(text).split(_ANY)

    def _cut_name(self, name: str) -> _Name:
        marked = self._marked(name)
        return _Name(marked.split(_ANY), normalise_name(marked).split(_ANY), name_key(marked).split(_ANY))

    def _marked(self, text: str) -> str:
        return _CAPITALISED.sub(lambda word: word[0] + _ANY if word[0] in self._known else word[0], text)


def _by_passage(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.chunk_id].append(row)
    return found


def _id(number: int, own: str) -> str:
    return f"{number}-{own}" if number else own


def _suffix(number: int) -> str:
    first, second = divmod(number, len(_SYLLABLES))
    return "" if number == 0 else _SYLLABLES[second] + (_SYLLABLES[first] if first else "")
