"""What a question is answered from: passages by number, the links between them, and the graph of their entities."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from projections.graph.reads import GraphSnapshot, WrongRelation
from projections.vector.reads import Passage
from reasoning.links import Link, Name, Names, Span, Targets, name_of
from reasoning.other_names import OtherNames
from reasoning.pagerank import Transitions, transitions
from reasoning.shared_names import SharedNames
from reasoning.texts import Sentence, Texts
from reasoning.words import Rarity, Words

ALIAS, MENTION, STATEMENT = 1.0, 0.5, 0.3
"""Weights of edges, where an alias in a text has most: what a parser found is right less often."""
COMMON_SHARE, COMMON_COUNT = 0.2, 10
"""An entity in more passages than this share, and this many, joins everything to everything and is left out."""
BACKWARD, MOST_BACKWARD = 0.5, 100
"""What a link is worth against its direction; what more passages than this link to says nothing of any of them."""

NODE_BITS = 32
"""Of the node in an edge that is one number."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Edge:
    """A link as seen from one of its ends: `other` is a passage number, `holder` the passage whose text has it."""

    other: int
    weight: float
    holder: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Whole:
    """What is known of all passages of a tenant, where an index has some of them.

    `holding`: how many hold a stem; `spread`: how many speak of an entity; `shared`: how many a name is of.
    """

    passages: int
    holding: Mapping[str, int]
    spread: Mapping[str, int]
    shared: Mapping[Name, int]


class Index:
    """Read by many threads.

    `rejected` are names of what somebody called no entity. `chances` is the walk over passages and entities (see
    `pagerank`).
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        snapshot: GraphSnapshot,
        whole: Whole | None = None,
        texts: Texts | None = None,
        question: str = "",
    ) -> None:
        """Blocks for up to a millisecond a passage that `texts` does not keep. Without `whole` these are all.

        `question`: what its names stand for is found under its other names, too.
        """
        texts = Texts(max(1, len(passages))) if texts is None else texts
        self.passages = tuple(passages)
        self.numbers = {passage.chunk_id: number for number, passage in enumerate(self.passages)}
        self.rejected = tuple(snapshot.rejected)
        self._wrong: defaultdict[str, list[WrongRelation]] = defaultdict(list)
        for one in snapshot.wrong:
            self._wrong[one.chunk_id].append(one)
        self._texts = [texts.of(passage) for passage in self.passages]
        self._whole = whole
        self.rarity = (
            Rarity(text.content for text in self._texts)
            if whole is None
            else Rarity.counted(whole.passages, whole.holding)
        )
        others = OtherNames(snapshot, question)
        self._others = [others.found(text.text, text.words) for text in self._texts] if others else []
        self._titles = [others.found(passage.title) for passage in self.passages] if others else []
        subjects = [subject for subject in snapshot.subjects if subject.chunk_id in self.numbers]
        self.targets = Targets(
            ((name_of(subject.name), self.numbers[subject.chunk_id], subject.quality) for subject in subjects),
            whole.shared if whole is not None else None,
        )
        self.aliases = Names(self.targets.names)
        self._spans = [self.aliases.find(text.text, text.words) for text in self._texts]
        self._links = self._linked()
        self._edges: dict[int, list[Edge]] = {}
        self.chances = self._graph(snapshot)
        self.shared_names = SharedNames(
            self.passages,
            self._texts,
            snapshot.mentions,
            self.aliases.names,
            whole.spread if whole is not None else {},
        )

    def holding(self, word: str) -> Numbers:
        """Numbers of the passages that hold a stem."""
        return np.array(
            [i for i, text in enumerate(self._texts) if text.holds(word) or word in self._meant(i)], dtype=np.int64
        )

    def telling_words(self, number: int) -> frozenset[str]:
        """Words of a passage that carry meaning, folded."""
        return self._texts[number].telling_words()

    def wrong(self, number: int) -> Sequence[WrongRelation]:
        """What somebody called wrong of what a passage states."""
        return self._wrong.get(self.passages[number].chunk_id, ())

    def spans(self, number: int) -> Sequence[Span]:
        """Aliases in a passage's text."""
        return self._spans[number]

    def sentences_of(self, number: int) -> list[Sentence]:
        """(start, end, stems) of each sentence of a passage."""
        found = self._texts[number].sentences
        return [self._with_others(number, one) for one in found] if self._others else found

    def sentence_at(self, number: int, position: int) -> Sentence:
        """The sentence of a passage that holds character `position`."""
        return self._with_others(number, self._texts[number].sentence_at(position))

    def title_meant(self, number: int) -> frozenset[str]:
        """Stems of what the question calls what a passage is titled by."""
        return frozenset().union(*(stems for _, stems in self._titles[number])) if self._titles else frozenset()

    def _meant(self, number: int) -> frozenset[str]:
        """Stems of what the question calls what a passage speaks of by another name."""
        if not self._others:
            return frozenset()
        return self.title_meant(number).union(*(stems for _, stems in self._others[number]))

    def _with_others(self, number: int, sentence: Sentence) -> Sentence:
        if not self._others:
            return sentence
        start, end, stems = sentence
        return start, end, stems.union(*(meant for at, meant in self._others[number] if start <= at < end))

    def edges_from(self, number: int, asked: Collection[Name]) -> Iterator[Edge]:
        """Links of a passage both ways, and those through names that it shares; names of the question are `asked`."""
        yield from self.edges(number)
        for link in self.shared_names.links(number, asked):
            yield Edge(link.target, link.weight, number, link.start, link.end)

    def edges(self, number: int) -> Sequence[Edge]:
        """A passage's links both ways, in order of the passages that hold them."""
        kept = self._edges.get(number)
        if kept is None:
            out, arriving = self._links
            own = [Edge(link.target, link.weight, number, link.start, link.end) for link in out[number]]
            before, behind = list[Edge](), list[Edge]()
            # One passage may link to it at several places.
            count = len({source for source, _ in arriving[number]})
            for source, link in arriving[number] if count <= MOST_BACKWARD else ():
                weight = BACKWARD * link.weight / math.sqrt(count)
                (before if source < number else behind).append(Edge(source, weight, source, link.start, link.end))
            kept = self._edges[number] = [*before, *own, *behind]
        return kept

    def names_in(self, question: str) -> list[Span]:
        """Names of entities in a question."""
        words = Words(question)
        spoken = frozenset(words.folded)
        return Names(name for name in self._named if spoken.issuperset(name)).find(question, words)

    def seeds(self, name: Name) -> list[tuple[int, int]]:
        """Entities of a name, as (node, number of passages that have it)."""
        found = (self._nodes[entity] for entity in self._named.get(name, ()) if entity in self._nodes)
        return sorted((node, int(self._frequency[node])) for node in found)

    def _linked(self) -> tuple[list[list[Link]], list[list[tuple[int, Link]]]]:
        """Links out of each passage, and those into it with their sources, in order of these."""
        out = [self.targets.links(spans, number) for number, spans in enumerate(self._spans)]
        arriving: list[list[tuple[int, Link]]] = [[] for _ in out]
        for source, links in enumerate(out):
            for link in links:
                arriving[link.target].append((source, link))
        return out, arriving

    def _graph(self, snapshot: GraphSnapshot) -> Transitions:
        """Passages are the first nodes, by number, and entities follow."""
        numbers, count = self.numbers, len(self.passages)
        nodes: dict[str, int] = {}
        # In order of appearance: nodes are numbered by it, and chances are added up in order of the nodes.
        named: defaultdict[Name, dict[str, None]] = defaultdict(dict)
        # By passage and node, as one number.
        edges: dict[int, float] = {}
        for subject in snapshot.subjects:
            named[name_of(subject.name)].setdefault(subject.entity_id)
            number = numbers.get(subject.chunk_id)
            if number is not None:
                edge = number << NODE_BITS | nodes.setdefault(subject.entity_id, count + len(nodes))
                edges[edge] = max(subject.quality, edges.get(edge, 0.0))
        for number, spans in enumerate(self._spans):
            for name in dict.fromkeys(span.name for span in spans):
                for entity_id in named.get(name, ()):
                    edges[number << NODE_BITS | nodes.setdefault(entity_id, count + len(nodes))] = ALIAS
        for entity_id, written, chunk_id, _ in snapshot.mentions:
            named[name_of(written)].setdefault(entity_id)
            number = numbers.get(chunk_id)
            if number is not None:
                edge = number << NODE_BITS | nodes.setdefault(entity_id, count + len(nodes))
                if edges.get(edge, 0.0) < MENTION:
                    edges[edge] = MENTION
        size = count + len(nodes)
        pairs = np.fromiter(edges, np.int64, len(edges))
        left, right = pairs >> NODE_BITS, pairs & ((1 << NODE_BITS) - 1)
        own = np.bincount(right, minlength=size)
        frequency = own.copy()
        if self._whole is not None:
            spread = self._whole.spread
            known = np.fromiter((spread.get(entity_id, 0) for entity_id in nodes), np.int64, len(nodes))
            frequency[count:] = np.maximum(own[count:], known)
        whole = count if self._whole is None else max(count, self._whole.passages)
        kept = frequency[right] <= max(COMMON_COUNT, COMMON_SHARE * whole)
        weights = np.fromiter(edges.values(), np.float64, len(edges))
        stated = [
            (start, end, STATEMENT * statement.confidence)
            for statement in snapshot.statements
            if (start := nodes.get(statement.subject_id)) is not None
            and (end := nodes.get(statement.object_id)) is not None
            and start != end
        ]
        # Passages that are none of these are spoken of, too: what goes there is lost to these.
        beyond = (MENTION * (frequency - own)).astype(np.float64)
        self._nodes, self._named, self._frequency = nodes, named, frequency
        return transitions(
            size,
            np.concatenate([left[kept], np.array([one[0] for one in stated], dtype=np.int64)]),
            np.concatenate([right[kept], np.array([one[1] for one in stated], dtype=np.int64)]),
            np.concatenate([weights[kept], np.array([one[2] for one in stated], dtype=np.float64)]),
            beyond,
        )
