"""What an answer may rest on: the sentences of the best passages, with what each is about and how each was come to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from projections.graph.reads import WrongRelation
from reasoning.answering.candidates import NAME, Span, candidates, folded
from reasoning.answering.relations import concepts_of
from reasoning.answering.values import life_in
from reasoning.index import Index
from reasoning.links import Name
from reasoning.path_ranking import Ranking
from reasoning.words import Word, content_of, stem, words_of

LIFE = concepts_of([stem("born"), stem("died")])
MOST_SENTENCES = 16
"""Sentences of a passage that are read."""
MOST_NAME = 80
"""Characters of the name that a passage begins with."""
_NAME_ENDS = re.compile(r"\s(?:is|was|are|were|has|had)\s|\s?[(,;]")


class Sentence:
    """`passage.text[start:end]`; its words and stems are worked out once, when they are asked for."""

    def __init__(self, passage: "Found", order: int, start: int, end: int, stems: frozenset[str]) -> None:
        self.passage = passage
        self.order = order
        self.start = start
        self.end = end
        self.stems = stems

    @property
    def text(self) -> str:
        """As it stands in the passage."""
        return self.passage.text[self.start : self.end]

    @cached_property
    def concepts(self) -> frozenset[int]:
        """Relations that it tells; years of life in brackets tell of birth and death."""
        told = concepts_of(self.stems)
        return told | LIFE if "(" in self.text and any(life_in(self.text)) else told

    @cached_property
    def here(self) -> frozenset[str]:
        """Its stems, and those of what its passage is about: `it` and `she` mean that."""
        return self.stems | self.passage.about | self.passage.meant

    @cached_property
    def names(self) -> list[tuple[Span, Name]]:
        """Names in it, with their folded words."""
        text = self.passage.text
        found = candidates(text, self.start, self.end, self.words, phrases=False)
        pairs = ((span, folded(text[span.start : span.end])) for span in found if span.kind == NAME)
        return [(span, name) for span, name in pairs if name]

    @cached_property
    def wrong(self) -> list[WrongRelation]:
        """Relations that it tells and somebody called wrong, in characters of the passage."""
        before = self.passage.start
        here = (one._replace(start=one.start - before, end=one.end - before) for one in self.passage.wrong)
        return [one for one in here if one.start < self.end and self.start < one.end]

    @cached_property
    def words(self) -> list[Word]:
        """With positions in the passage."""
        return [Word(word.folded, self.start + word.start, self.start + word.end) for word in words_of(self.text)]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A link between two passages: `sentence` is of the one that holds it, at `start` to `end` of its text."""

    source: "Found"
    sentence: Sentence
    start: int
    end: int
    forward: bool


class Found:
    """A passage of the ranking: its share of the best score, its rank from 0, and the links by which it is reached."""

    def __init__(self, number: int, rank: int, worth: float, index: Index, *, named: bool) -> None:
        passage = index.passages[number]
        self.number = number
        self.rank = rank
        self.worth = worth
        self.named = named
        self.title = passage.title
        self.text = passage.text
        self.title_stems = content_of(passage.title)
        self.meant = index.title_meant(number)
        self.start = passage.start
        self.wrong = index.wrong(number)
        self.sentences = [
            Sentence(self, order, start, end, stems) for order, (start, end, stems) in enumerate(_read(index, number))
        ]
        self.arrivals: list[Arrival] = []

    def sentence_at(self, position: int) -> Sentence | None:
        """The sentence that holds a character; None where it is beyond those that are read."""
        return next((sentence for sentence in self.sentences if sentence.start <= position < sentence.end), None)

    @cached_property
    def opening(self) -> tuple[int, int] | None:
        """Where the first sentence names what the passage is about: what stands before its verb or a mark."""
        if not self.sentences:
            return None
        first = self.sentences[0]
        end = _NAME_ENDS.search(first.text)
        if end is None or not 0 < end.start() <= MOST_NAME:
            return None
        return first.start, first.start + end.start()

    @cached_property
    def about(self) -> frozenset[str]:
        """Stems of its title, or of its opening words where it has none."""
        if self.title_stems:
            return self.title_stems
        return content_of(self.text[slice(*self.opening)]) if self.opening is not None else frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The best passages, best first. `weights`: how much each stem of the question says. `rejected`: names of what
    somebody called no entity, as `folded` has them."""

    passages: Sequence[Found]
    weights: Mapping[str, float]
    similar: float
    rejected: frozenset[Name] = frozenset()

    @property
    def sentences(self) -> list[Sentence]:
        """All of them."""
        return [sentence for passage in self.passages for sentence in passage.sentences]

    def of(self, number: int) -> Found | None:
        """By number of passage."""
        return next((passage for passage in self.passages if passage.number == number), None)


def evidence_of(index: Index, ranking: Ranking, numbers: Sequence[int]) -> Evidence:
    """Of these passages, best first, with the links between them."""
    highest = max((float(ranking.scores[number]) for number in numbers), default=0.0)
    named = {link.target for link in ranking.named}
    found = {
        number: Found(
            number,
            rank,
            float(ranking.scores[number]) / highest if highest > 0 else 0.0,
            index,
            named=number in named,
        )
        for rank, number in enumerate(numbers)
    }
    for number, passage in found.items():
        for edge in index.edges(number):
            other = found.get(edge.other)
            if other is None:
                continue
            holder = found[edge.holder]
            sentence = holder.sentence_at(edge.start)
            if sentence is not None:
                other.arrivals.append(Arrival(passage, sentence, edge.start, edge.end, edge.holder == number))
    similar = float(np.max(ranking.similar[list(numbers)])) if len(numbers) else 0.0
    return Evidence(list(found.values()), ranking.question, similar, frozenset(map(folded, index.rejected)))


def _read(index: Index, number: int) -> list[tuple[int, int, frozenset[str]]]:
    """The first sentences of a passage, without a heading that says its title again."""
    passage = index.passages[number]
    found = index.sentences_of(number)[:MOST_SENTENCES]
    if found and passage.text[found[0][0] : found[0][1]].strip("# \n") == passage.title.strip():
        return found[1:]
    return found
