"""Which passages answer together: a passage is worth its own likeness to the question, and the best path into it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from projections.vector.reads import Hit
from reasoning.index import Edge, Index
from reasoning.links import Link, Name, Span
from reasoning.pagerank import pagerank
from reasoning.repetition import less_alike, less_repeated
from reasoning.words import content_of, overlap

# Shares beside a cosine of 1. Half or twice of each changes recall@5 by about a point, twice LEXICAL by up to four.
LEXICAL, NAMED, WALK = 0.2, 0.4, 0.45
STARTS = 30
"""Passages whose links are followed."""
HOPS = 2
"""Links in a path: three passages."""
SENTENCE, COVERED = 0.5, 0.75
"""How much a link counts less when its sentence shares nothing with the question, and its two passages nothing."""
SEED_PASSAGES, SEED_SHARE = 20, 0.3
"""A walk starts from the question's entity, and from the best passages with this weight in all."""
UNREACHED = 1e-9
"""What a walk gives a passage at least, where several are multiplied."""
BEYOND = 0.9
"""A passage that the search did not bring is less like the question than the last it brought: this share of it."""

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """`scores[i]` is passage i's; `via[i]` is (source passage, link) of the best path into it, where there is one.

    `named` are the spans in the question that name what a passage is about, `question` its words' weights, and
    `similar` the cosine of each passage.
    """

    scores: Scores
    via: Mapping[int, tuple[int, Edge]]
    named: Sequence[Link]
    question: Mapping[str, float]
    similar: Scores

    def best(self, k: int) -> list[int]:
        """Numbers of the `k` best passages, best first, equals in order of number."""
        return [int(number) for number in np.argsort(-self.scores, kind="stable")[:k]]

    def way_to(self, number: int) -> list[tuple[int, Edge]]:
        """(source passage, link) of each step into a passage, last step first, back to one that the question names."""
        named = {link.target for link in self.named}
        steps: list[tuple[int, Edge]] = []
        seen = {number}
        while number not in named and number in self.via and len(steps) < HOPS:
            number, link = self.via[number]
            if number in seen:
                break
            seen.add(number)
            steps.append((number, link))
        return steps


def rank(index: Index, question: str, near: Sequence[Hit], matching: Sequence[Hit]) -> Ranking:
    """Score every passage of the index. `near`: cosines of the nearest passages; `matching`: BM25 of the best."""
    weights = index.rarity.weigh(content_of(question))
    named = index.targets.links(index.aliases.find(question))
    similar = _spread(index, near, BEYOND)
    likeness = similar + LEXICAL * _normalised(_spread(index, matching, 0.0))
    likeness += NAMED * _named(index, named)
    spans = index.names_in(question)
    walk = _walk(index, likeness, spans)
    own = likeness + WALK * _normalised(walk)
    held = held_of(index, weights)
    scores, via = follow(index, weights, held, own, frozenset(span.name for span in spans))
    scores = less_alike(less_repeated(scores, held), similar, index.telling_words)
    return Ranking(scores, via, named, weights, similar)


def follow(
    index: Index, question: Mapping[str, float], held: Scores, own: Scores, asked: Collection[Name]
) -> tuple[Scores, dict[int, tuple[int, Edge]]]:
    """Own scores, each with the best path into its passage added; and that path's last link.

    A path is worth what its source is worth, times the link's weight, less where the sentence that holds the link,
    or both passages together, share little with the question. `held`: as `held_of` gives it. `asked`: the names in the
    question.
    """
    fits = _Fits(index, question)
    arrived, via = own, dict[int, tuple[int, Edge]]()
    best, best_via = own, via
    for _ in range(HOPS):
        gained: Scores = np.zeros_like(own)
        via = {}
        for source in np.argsort(-arrived, kind="stable")[:STARTS].tolist():
            edges = list(index.edges_from(source, asked))
            others = [link.other for link in edges]
            both = (1.0 - COVERED) + COVERED * np.maximum(held[source], held[others]).sum(axis=1)
            for link, covered in zip(edges, both.tolist(), strict=True):
                worth = float(arrived[source]) * link.weight * fits.of(link) * covered
                if worth > gained[link.other]:
                    gained[link.other] = worth
                    via[link.other] = (source, link)
        arrived = own + gained
        best_via = {**best_via, **{to: step for to, step in via.items() if arrived[to] > best[to]}}
        best = np.maximum(best, arrived)
    return best, best_via


class _Fits:
    """How well the sentence that holds a link fits the question, in 1 - SENTENCE .. 1."""

    def __init__(self, index: Index, question: Mapping[str, float]) -> None:
        self._index = index
        self._question = question
        self._kept: dict[tuple[int, int], float] = {}

    def of(self, link: Edge) -> float:
        start, _, content = self._index.sentence_at(link.holder, link.start)
        fit = self._kept.get((link.holder, start))
        if fit is None:
            fit = (1.0 - SENTENCE) + SENTENCE * overlap(self._question, content)
            self._kept[link.holder, start] = fit
        return fit


def _named(index: Index, links: Sequence[Link]) -> Scores:
    """Weight of the best name that the question has for each passage."""
    scores: Scores = np.zeros(len(index.passages))
    for link in links:
        scores[link.target] = max(scores[link.target], link.weight)
    return scores


def held_of(index: Index, question: Mapping[str, float]) -> Scores:
    """Shape (passages, words): each word's share of the question's weight, where the passage holds it."""
    held = np.zeros((len(index.passages), len(question)))
    whole = sum(question.values())
    for column, (word, weight) in enumerate(question.items()):
        held[index.holding(word), column] = weight / whole
    return held


def _walk(index: Index, likeness: Scores, spans: Sequence[Span]) -> Scores:
    """PageRank of each passage.

    Where the question names several things, a walk starts from each, and a passage is worth their geometric mean:
    it is near to all of them (as hubmesh has it). Else one starts from what it names and from the best passages.
    """
    starts = [start for name in dict.fromkeys(span.name for span in spans) if (start := _start(index, name)).any()]
    passages = len(index.passages)
    if len(starts) > 1:
        walks = np.array([pagerank(index.chances, start)[:passages] for start in starts])
        mean: Scores = np.exp(np.log(walks + UNREACHED).mean(axis=0))
        return mean
    restart = starts[0] if starts else np.zeros(index.chances.size)
    top = np.argsort(-likeness, kind="stable")[:SEED_PASSAGES]
    above = likeness[top] - likeness[top].min(initial=np.inf)
    if above.sum() > 0:
        restart[top] += SEED_SHARE * above / above.sum()
    return pagerank(index.chances, restart)[:passages]


def _start(index: Index, name: Name) -> Scores:
    """Where a walk from a name starts: at its entities, each damped by its frequency. Shape (nodes,)."""
    start: Scores = np.zeros(index.chances.size)
    for node, frequency in index.seeds(name):
        start[node] += 1.0 / np.sqrt(frequency)
    return start


def _spread(index: Index, hits: Sequence[Hit], beyond: float) -> Scores:
    """Scores of hits by passage number, none below 0; other passages get the lowest, times `beyond`."""
    known = {index.numbers[hit.chunk_id]: max(0.0, hit.score) for hit in hits if hit.chunk_id in index.numbers}
    scores = np.full(len(index.passages), beyond * min(known.values(), default=0.0))
    scores[list(known)] = list(known.values())
    return scores


def _normalised(scores: Scores) -> Scores:
    highest = float(scores.max(initial=0.0))
    return scores / highest if highest > 0 else scores
