"""The part of a tenant that one question is answered from: what the searches bring, and what that leads to.

Its size has a bound, whatever the size of the whole. What a text names is looked up when it is read, so a passage that
came today is linked from every older one that names it, and nobody has to write those anew.
"""

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypeVar

from contracts.folding import name_key
from projections.graph.reads import GraphContent, GraphSnapshot, Mention, Subject
from projections.vector.reads import Hit, Passage, PassageSearch, Vector
from reasoning.index import BACKWARD, Index, Whole
from reasoning.links import Name, Names, name_of
from reasoning.path_ranking import HOPS, LEXICAL, NAMED, STARTS
from reasoning.shared_names import SHARED
from reasoning.texts import Text, Texts, names_in
from reasoning.visible import Visible
from reasoning.words import STOP_WORDS, Words, stem, words_of

Row = TypeVar("Row", Subject, Mention)

FIRST, ADDED = 160, 40
"""Passages that the searches bring and the question names, and those that one step from the best ones adds, at most."""
OF_NAME = 20
"""Passages of one name that are followed: what more share says little of any."""
COUNTED = 100
"""How far passages of one name are counted."""


@dataclass(frozen=True)
class FoundPassages:
    """What search brought for a question. `vector` is the question's, shape (dimension,), by the embedder's revision
    `model`; `near` are the passages nearest to it, `matching` those that share its words."""

    question: str
    model: str
    vector: Vector
    near: Sequence[Hit]
    matching: Sequence[Hit]


@dataclass(frozen=True)
class Neighbourhood:
    """What a question is to be ranked on. `near`: the cosine of each of its passages, whoever brought it."""

    index: Index
    near: Sequence[Hit]


@dataclass
class _Part:
    """Passages that were found so far, and how much each is worth until they are ranked."""

    passages: dict[str, Passage] = field(default_factory=dict)
    worth: dict[str, float] = field(default_factory=dict)
    expanded: set[str] = field(default_factory=set)

    def strongest(self, count: int) -> list[str]:
        """Of those that nobody set out from yet, best first."""
        left = (chunk_id for chunk_id in self.passages if chunk_id not in self.expanded)
        return sorted(left, key=lambda chunk_id: (-self.worth[chunk_id], chunk_id))[:count]


class Neighbourhoods:
    """Reads them. Keeps the texts that were read last, and nothing else."""

    def __init__(self, graph: GraphContent, passages: PassageSearch) -> None:
        self._graph = graph
        self._passages = passages
        self._texts = Texts()

    async def around(self, tenant: str, found: FoundPassages, visible: Visible | None) -> Neighbourhood:
        """What the question is to be ranked on, of what is visible. Raises what the readers raise."""
        question = found.question
        words = words_of(question)
        keys = list(dict.fromkeys(names_in(question, Words(question))))
        asked = [question[word.start : word.end] for word in words if word.folded not in STOP_WORDS]
        subjects, mentions, rarity = await asyncio.gather(
            self._graph.named(tenant, keys, OF_NAME),
            self._graph.mentioned(tenant, keys, OF_NAME),
            self._passages.frequencies(tenant, asked),
        )
        part = _Part()
        await self._add(tenant, part, _first(found, sorted(subjects), sorted(mentions)), visible)
        for _ in range(HOPS):
            await self._add(tenant, part, await self._led_to(tenant, part), visible)
        holding: dict[str, int] = {}
        for word in asked:
            if word in rarity.holding:
                of = stem(words_of(word)[0].folded)
                holding[of] = max(rarity.holding[word], holding.get(of, 0))
        near, index = await asyncio.gather(
            self._passages.compared(tenant, found.model, found.vector, list(part.passages)),
            self._index(tenant, part, rarity.passages, holding, question),
        )
        return Neighbourhood(index, near)

    async def _add(self, tenant: str, part: _Part, worth: Mapping[str, float], visible: Visible | None) -> None:
        """Read these passages into the part, those that are there and visible."""
        new = [chunk_id for chunk_id in worth if chunk_id not in part.passages]
        within = None if visible is None else visible.collections
        part.passages |= await self._passages.passages(tenant, new, within) if new else {}
        for chunk_id, value in worth.items():
            if chunk_id in part.passages:
                part.worth[chunk_id] = max(value, part.worth.get(chunk_id, 0.0))

    async def _led_to(self, tenant: str, part: _Part) -> dict[str, float]:
        """Where the strongest passages lead: what they name, what names what they are about, what shares a name."""
        starts = part.strongest(STARTS)
        if not starts:
            return {}
        part.expanded.update(starts)
        texts, said = await asyncio.gather(
            asyncio.to_thread(self._read, [part.passages[chunk_id] for chunk_id in starts]),
            self._graph.around(tenant, starts),
        )
        about = {name_key(one.name) for one in said.subjects}
        held = {name_key(one.name) for one in said.mentions}
        keys = await asyncio.to_thread(_keys, texts.values())
        subjects, mentions = await asyncio.gather(
            self._graph.named(tenant, keys, OF_NAME),
            self._graph.mentioned(tenant, sorted((about | held) - {""}), OF_NAME),
        )
        worth = await asyncio.to_thread(_linked, part.worth, texts, said, subjects, mentions)
        new = sorted(
            (item for item in worth.items() if item[0] not in part.passages), key=lambda one: (-one[1], one[0])
        )
        return dict(new[:ADDED])

    def _read(self, passages: Iterable[Passage]) -> dict[str, Text]:
        return {passage.chunk_id: self._texts.of(passage) for passage in passages}

    async def _index(self, tenant: str, part: _Part, passages: int, holding: Mapping[str, int], question: str) -> Index:
        snapshot = _ordered(await self._graph.around(tenant, list(part.passages)))
        entities = {one.entity_id for one in snapshot.subjects} | {one.entity_id for one in snapshot.mentions}
        keys = {name_key(one.name) for one in snapshot.subjects} - {""}
        spread, sharing = await asyncio.gather(
            self._graph.spread(tenant, sorted(entities)), self._graph.named(tenant, sorted(keys), COUNTED)
        )
        shared = Counter(name for name, _ in {(name_of(one.name), one.chunk_id) for one in sharing})
        whole = Whole(passages, holding, spread, shared)
        ordered = [part.passages[chunk_id] for chunk_id in sorted(part.passages)]
        return await asyncio.to_thread(Index, ordered, snapshot, whole, self._texts, question)


def _first(found: FoundPassages, subjects: Sequence[Subject], mentions: Sequence[Mention]) -> dict[str, float]:
    """What the searches brought, and what the question names, each with its likeness as `path_ranking` has it."""
    worth: defaultdict[str, float] = defaultdict(float)
    for hit in found.near:
        worth[hit.chunk_id] += max(0.0, hit.score)
    highest = max((hit.score for hit in found.matching), default=0.0)
    for hit in found.matching:
        worth[hit.chunk_id] += LEXICAL * hit.score / highest if highest > 0 else 0.0
    asked = {span.name for span in _names(subjects, mentions).find(found.question)}
    for name, of in _by_name(subjects).items():
        if name in asked:
            for one in of:
                worth[one.chunk_id] += NAMED * one.quality / math.sqrt(len(of))
    for name, named in _by_name(mentions).items():
        if name in asked:
            for mention in named:
                worth[mention.chunk_id] += NAMED * BACKWARD / math.sqrt(len(named))
    return dict(sorted(worth.items(), key=lambda item: (-item[1], item[0]))[:FIRST])


def _linked(
    worth: Mapping[str, float],
    texts: Mapping[str, Text],
    said: GraphSnapshot,
    subjects: Sequence[Subject],
    mentions: Sequence[Mention],
) -> dict[str, float]:
    """Passages that links lead to, each with the most that a link brings it."""
    linked: dict[str, float] = {}

    def link(chunk_id: str, value: float) -> None:
        linked[chunk_id] = max(value, linked.get(chunk_id, 0.0))

    targets = _by_name(subjects)
    names = Names(targets)
    for chunk_id, text in texts.items():
        for span in names.find(text.text, text.words):
            of = targets[span.name]
            for one in of:
                link(one.chunk_id, worth[chunk_id] * one.quality / math.sqrt(len(of)))
    holders = _by_name(mentions)
    for subject in said.subjects:
        holding = holders.get(name_of(subject.name), ())
        for mention in holding:
            link(mention.chunk_id, worth[subject.chunk_id] * BACKWARD * subject.quality / math.sqrt(len(holding)))
    for mention in said.mentions:
        holding = holders.get(name_of(mention.name), ())
        for other in holding if len(holding) < OF_NAME else ():
            link(other.chunk_id, worth[mention.chunk_id] * SHARED / math.sqrt(len(holding)))
    return linked


def _ordered(said: GraphSnapshot) -> GraphSnapshot:
    """The same in an order that no database and no replay changes: weights are added up in it."""
    return replace(
        said,
        subjects=sorted(said.subjects),
        mentions=sorted(said.mentions),
        statements=sorted(said.statements, key=lambda one: (one.relation_id, one.chunk_id, one.start, one.end)),
    )


def _keys(texts: Iterable[Text]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(text.names for text in texts)))


def _names(*rows: Sequence[Subject] | Sequence[Mention]) -> Names:
    return Names(name_of(one.name) for some in rows for one in some)


def _by_name(rows: Collection[Row]) -> dict[Name, list[Row]]:
    found: dict[Name, list[Row]] = {}
    for one in rows:
        found.setdefault(name_of(one.name), []).append(one)
    return found
