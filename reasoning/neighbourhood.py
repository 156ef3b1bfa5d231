"""The part of a tenant that one question is answered from: what the searches bring, and what that leads to.

Its size has a bound, whatever the size of the whole. What a text names is looked up when it is read, so a passage that
came today is linked from every older one that names it, and nobody has to write those anew.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

from contracts.folding import name_key
from projections.graph.reads import GraphContent, GraphSnapshot, Mention, Subject
from projections.vector.reads import Hit, Passage, PassageSearch, Vector
from reasoning.index import BACKWARD, Index, Whole
from reasoning.links import Name, Names, name_of
from reasoning.part import Part, joined
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
class QuestionNames:
    """What the words of a question may name, and how rare they are.

    `subjects` and `mentions` are of its names, `holding` is the number of passages that hold a stem, of `passages`.
    """

    subjects: Sequence[Subject]
    mentions: Sequence[Mention]
    passages: int
    holding: Mapping[str, int]


@dataclass(frozen=True)
class Neighbourhood:
    """What a question is to be ranked on. `near`: the cosine of each of its passages, whoever brought it."""

    index: Index
    near: Sequence[Hit]


class Neighbourhoods:
    """Reads them. Keeps the texts that were read last, and nothing else. Every method raises what the readers raise."""

    def __init__(self, graph: GraphContent, passages: PassageSearch) -> None:
        self._graph = graph
        self._passages = passages
        self._texts = Texts()

    async def named(self, tenant: str, question: str) -> QuestionNames:
        """What is known of the question's words, while it is searched for."""
        keys = list(dict.fromkeys(names_in(question, Words(question))))
        asked = [question[word.start : word.end] for word in words_of(question) if word.folded not in STOP_WORDS]
        subjects, mentions, rarity = await asyncio.gather(
            self._graph.named(tenant, keys, OF_NAME),
            self._graph.mentioned(tenant, keys, OF_NAME),
            self._passages.frequencies(tenant, asked),
        )
        holding: dict[str, int] = {}
        for word in asked:
            if word in rarity.holding:
                of = stem(words_of(word)[0].folded)
                holding[of] = max(rarity.holding[word], holding.get(of, 0))
        return QuestionNames(sorted(subjects), sorted(mentions), rarity.passages, holding)

    async def around(
        self, tenant: str, found: FoundPassages, named: QuestionNames, visible: Visible | None
    ) -> Neighbourhood:
        """What the question is to be ranked on, of what is visible."""
        part = Part()
        await self._grow(tenant, part, found, _first(found, named), visible, HOPS)
        return Neighbourhood(await asyncio.to_thread(self._index, part, named, found.question), part.near)

    async def _grow(
        self,
        tenant: str,
        part: Part,
        found: FoundPassages,
        worth: Mapping[str, float],
        visible: Visible | None,
        hops: int,
    ) -> None:
        """Add these passages, and what they lead to in so many steps.

        How much of the whole speaks of them is read meanwhile: no step needs it.
        """
        await self._add(tenant, part, found, worth, visible)
        await asyncio.gather(self._count(tenant, part), self._follow(tenant, part, found, visible, hops))

    async def _follow(self, tenant: str, part: Part, found: FoundPassages, visible: Visible | None, hops: int) -> None:
        if hops:
            led = await self._led_to(tenant, part)
            await self._grow(tenant, part, found, led, visible, hops - 1)
        else:
            await asyncio.to_thread(self._cut, part)

    async def _add(
        self, tenant: str, part: Part, found: FoundPassages, worth: Mapping[str, float], visible: Visible | None
    ) -> None:
        """Read these passages into the part, those that are there and visible, and what they say."""
        new = part.new(worth)
        if new and visible is None:
            passages, (said, near) = await asyncio.gather(
                self._passages.passages(tenant, new), self._said(tenant, found, new)
            )
            part.add(passages, said, near)
        elif new and visible is not None:
            # What others say is not even read: names that people rejected there are told without their passages.
            passages = await self._passages.passages(tenant, new, visible.collections)
            part.add(passages, *await self._said(tenant, found, list(passages)))
        part.weigh(worth)

    async def _said(
        self, tenant: str, found: FoundPassages, chunk_ids: Sequence[str]
    ) -> tuple[GraphSnapshot, Sequence[Hit]]:
        """What passages say, and how like the question they are."""
        return await asyncio.gather(
            self._graph.around(tenant, chunk_ids),
            self._passages.compared(tenant, found.model, found.vector, chunk_ids),
        )

    async def _count(self, tenant: str, part: Part) -> None:
        """Read how much of the whole speaks of what was added last."""
        entities, keys = part.uncounted()
        if not entities and not keys:
            return
        spread, sharing = await asyncio.gather(
            self._graph.spread(tenant, entities), self._graph.named(tenant, keys, COUNTED)
        )
        part.count(spread, sharing)

    async def _led_to(self, tenant: str, part: Part) -> dict[str, float]:
        """Where the strongest passages lead: what they name, what names what they are about, what shares a name."""
        starts = part.expand(STARTS)
        if not starts:
            return {}
        said = part.said_by(frozenset(starts))
        about = {name_key(one.name) for one in said.subjects}
        held = {name_key(one.name) for one in said.mentions}
        (texts, subjects), mentions = await asyncio.gather(
            self._named_in(tenant, part, starts),
            self._graph.mentioned(tenant, sorted((about | held) - {""}), OF_NAME),
        )
        worth = await asyncio.to_thread(_linked, part.worth, texts, said, subjects, mentions)
        new = sorted(
            (item for item in worth.items() if item[0] not in part.passages), key=lambda one: (-one[1], one[0])
        )
        return dict(new[:ADDED])

    async def _named_in(
        self, tenant: str, part: Part, chunk_ids: Sequence[str]
    ) -> tuple[dict[str, Text], list[Subject]]:
        """The texts of these passages, and what they name. The others' texts are cut while that is looked up."""
        texts, keys = await asyncio.to_thread(self._read, [part.passages[chunk_id] for chunk_id in chunk_ids])
        subjects, _ = await asyncio.gather(self._graph.named(tenant, keys, OF_NAME), asyncio.to_thread(self._cut, part))
        return texts, subjects

    def _read(self, passages: Iterable[Passage]) -> tuple[dict[str, Text], list[str]]:
        texts = {passage.chunk_id: self._texts.of(passage) for passage in passages}
        return texts, list(dict.fromkeys(chain.from_iterable(text.names for text in texts.values())))

    def _cut(self, part: Part) -> None:
        for passage in part.passages.values():
            self._texts.of(passage)

    def _index(self, part: Part, named: QuestionNames, question: str) -> Index:
        whole = Whole(named.passages, named.holding, part.spread, part.shared)
        passages = [part.passages[chunk_id] for chunk_id in sorted(part.passages)]
        return Index(passages, _ordered(joined(part.said)), whole, self._texts, question)


def _first(found: FoundPassages, named: QuestionNames) -> dict[str, float]:
    """What the searches brought, and what the question names, each with its likeness as `path_ranking` has it."""
    worth: defaultdict[str, float] = defaultdict(float)
    for hit in found.near:
        worth[hit.chunk_id] += max(0.0, hit.score)
    highest = max((hit.score for hit in found.matching), default=0.0)
    for hit in found.matching:
        worth[hit.chunk_id] += LEXICAL * hit.score / highest if highest > 0 else 0.0
    asked = {span.name for span in _names(named.subjects, named.mentions).find(found.question)}
    for name, of in _by_name(named.subjects).items():
        if name in asked:
            for one in of:
                worth[one.chunk_id] += NAMED * one.quality / math.sqrt(len(of))
    for name, holders in _by_name(named.mentions).items():
        if name in asked:
            for mention in holders:
                worth[mention.chunk_id] += NAMED * BACKWARD / math.sqrt(len(holders))
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


def _names(*rows: Sequence[Subject] | Sequence[Mention]) -> Names:
    return Names(name_of(one.name) for some in rows for one in some)


def _by_name(rows: Collection[Row]) -> dict[Name, list[Row]]:
    found: dict[Name, list[Row]] = {}
    for one in rows:
        found.setdefault(name_of(one.name), []).append(one)
    return found
