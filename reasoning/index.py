"""What a question is answered from: passages by number, the links between them, and the graph of their entities."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from projections.graph.reads import GraphSnapshot
from projections.vector.reads import Passage
from reasoning.links import Link, Name, Names, Span, Targets, name_of
from reasoning.pagerank import Transitions, transitions
from reasoning.shared_names import SharedNames
from reasoning.texts import Sentence, Texts
from reasoning.words import Rarity

MENTION, STATEMENT = 0.5, 0.3
"""Weights of edges, where an alias in a text has 1: what a parser found is right less often."""
COMMON_SHARE, COMMON_COUNT = 0.2, 10
"""An entity in more passages than this share, and this many, joins everything to everything and is left out."""
BACKWARD, MOST_BACKWARD = 0.5, 100
"""What a link is worth against its direction; what more passages than this link to says nothing of any of them."""

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

    `edges[i]` holds passage i's links both ways. `chances` is the walk over passages and entities (see `pagerank`).
    `seeds` holds for each name its entities, as (node, number of passages that have it).
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        snapshot: GraphSnapshot,
        whole: Whole | None = None,
        texts: Texts | None = None,
    ) -> None:
        """Blocks for up to a millisecond a passage that `texts` does not keep. Without `whole` these are all."""
        texts = Texts(max(1, len(passages))) if texts is None else texts
        self.passages = tuple(passages)
        self.numbers = {passage.chunk_id: number for number, passage in enumerate(self.passages)}
        self._texts = [texts.of(passage) for passage in self.passages]
        self._whole = whole
        self.rarity = (
            Rarity(text.content for text in self._texts)
            if whole is None
            else Rarity.counted(whole.passages, whole.holding)
        )
        subjects = [subject for subject in snapshot.subjects if subject.chunk_id in self.numbers]
        self.targets = Targets(
            ((name_of(subject.name), self.numbers[subject.chunk_id], subject.quality) for subject in subjects),
            whole.shared if whole is not None else None,
        )
        self.aliases = Names(self.targets.names)
        self._spans = [self.aliases.find(text.text, text.words) for text in self._texts]
        self.edges = self._edges()
        self.chances, self.seeds = self._graph(snapshot)
        self.names = Names(self.seeds)
        self.shared_names = SharedNames(
            self.passages, snapshot.mentions, self.aliases.names, whole.spread if whole is not None else {}
        )

    def holding(self, word: str) -> Numbers:
        """Numbers of the passages that hold a stem."""
        return np.array([i for i, text in enumerate(self._texts) if word in text.content], dtype=np.int64)

    def spans(self, number: int) -> Sequence[Span]:
        """Aliases in a passage's text."""
        return self._spans[number]

    def sentences_of(self, number: int) -> list[Sentence]:
        """(start, end, stems) of each sentence of a passage."""
        return self._texts[number].sentences

    def sentence_at(self, number: int, position: int) -> Sentence:
        """The sentence of a passage that holds character `position`."""
        return self._texts[number].sentence_at(position)

    def edges_from(self, number: int, asked: Collection[Name]) -> Iterator[Edge]:
        """Links of a passage both ways, and those through names that it shares; names of the question are `asked`."""
        yield from self.edges[number]
        for link in self.shared_names.links(number, asked):
            yield Edge(link.target, link.weight, number, link.start, link.end)

    def _edges(self) -> list[list[Edge]]:
        out: list[list[Link]] = [self.targets.links(self.spans(i), i) for i in range(len(self.passages))]
        arriving = Counter(target for links in out for target in {link.target for link in links})
        edges: list[list[Edge]] = [[] for _ in self.passages]
        for source, links in enumerate(out):
            for link in links:
                edges[source].append(Edge(link.target, link.weight, source, link.start, link.end))
                count = arriving[link.target]
                if count <= MOST_BACKWARD:
                    weight = BACKWARD * link.weight / math.sqrt(count)
                    edges[link.target].append(Edge(source, weight, source, link.start, link.end))
        return edges

    def _graph(self, snapshot: GraphSnapshot) -> tuple[Transitions, dict[Name, list[tuple[int, int]]]]:
        """Passages are the first nodes, by number, and entities follow."""
        nodes: dict[str, int] = {}
        named: dict[Name, set[str]] = {}
        edges: dict[tuple[int, int], float] = {}

        def edge(chunk_id: str, entity_id: str, weight: float) -> None:
            if chunk_id in self.numbers:
                node = nodes.setdefault(entity_id, len(self.passages) + len(nodes))
                key = (self.numbers[chunk_id], node)
                edges[key] = max(weight, edges.get(key, 0.0))

        for subject in snapshot.subjects:
            named.setdefault(name_of(subject.name), set()).add(subject.entity_id)
            edge(subject.chunk_id, subject.entity_id, subject.quality)
        for passage, spans in zip(self.passages, self._spans, strict=True):
            for span in spans:
                for entity_id in named.get(span.name, ()):
                    edge(passage.chunk_id, entity_id, 1.0)
        for mention in snapshot.mentions:
            named.setdefault(name_of(mention.name), set()).add(mention.entity_id)
            edge(mention.chunk_id, mention.entity_id, MENTION)

        own = Counter(node for _, node in edges)
        spread = self._whole.spread if self._whole is not None else {}
        frequency = {node: max(own[node], spread.get(entity_id, 0)) for entity_id, node in nodes.items()}
        count = len(self.passages) if self._whole is None else max(len(self.passages), self._whole.passages)
        most = max(COMMON_COUNT, COMMON_SHARE * count)
        kept = [(left, right, weight) for (left, right), weight in edges.items() if frequency[right] <= most]
        for statement in snapshot.statements:
            start, end = nodes.get(statement.subject_id), nodes.get(statement.object_id)
            if start is not None and end is not None and start != end:
                kept.append((start, end, STATEMENT * statement.confidence))
        size = len(self.passages) + len(nodes)
        # Passages that are none of these are spoken of, too: what goes there is lost to these.
        beyond = np.zeros(size)
        for node, held in own.items():
            beyond[node] = MENTION * (frequency[node] - held)
        chances = transitions(size, *_columns(kept), beyond)
        seeds = {
            name: sorted((nodes[entity], frequency[nodes[entity]]) for entity in entities if entity in nodes)
            for name, entities in named.items()
            if name
        }
        return chances, seeds


def _columns(edges: Sequence[tuple[int, int, float]]) -> tuple[list[int], list[int], list[float]]:
    return [edge[0] for edge in edges], [edge[1] for edge in edges], [edge[2] for edge in edges]
