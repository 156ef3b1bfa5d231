"""The part of a tenant that one question is answered from: what the searches bring, and what that leads to.

Its size has a bound, whatever the size of the whole. What a text names is looked up when it is read, so a passage that
came today is linked from every older one that names it, and nobody has to write those anew.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from contracts.folding import name_key
from projections.graph.reads import GraphContent, GraphSnapshot, Subject
from projections.vector.reads import Hit, Passage, PassageSearch, Vector
from reasoning.index import Index, Whole
from reasoning.leads import SHARED_BY, FoundPassages, QuestionNames, first_of, linked
from reasoning.part import Part, ReadPassages, combined
from reasoning.path_ranking import HOPS, STARTS
from reasoning.texts import Text, Texts, names_in
from reasoning.visible import Visible
from reasoning.words import STOP_WORDS, Words, stem, words_of

ADDED = 40
"""Passages that one step from the best ones adds, at most."""
OF_NAME = 20
"""Passages of one name that are followed: what more share says little of any."""
COUNTED = 100
"""How far passages of one name are counted."""


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

    async def read(
        self, tenant: str, model: str, vector: Vector, chunk_ids: Sequence[str], visible: Visible | None
    ) -> ReadPassages:
        """These passages, those that are there and visible, while more are searched for; their texts are cut.

        `vector`: the question's, by the embedder's revision `model`.
        """
        read = await self._read_passages(tenant, model, vector, chunk_ids, visible)
        await asyncio.to_thread(self._cut, read.passages.values())
        return read

    async def _read_passages(
        self, tenant: str, model: str, vector: Vector, chunk_ids: Sequence[str], visible: Visible | None
    ) -> ReadPassages:
        if visible is None:
            passages, (said, near) = await asyncio.gather(
                self._passages.passages(tenant, chunk_ids), self._said(tenant, model, vector, chunk_ids)
            )
        else:
            # What others say is not even read: names that people rejected there are told without their passages.
            passages = await self._passages.passages(tenant, chunk_ids, visible.collections)
            said, near = await self._said(tenant, model, vector, list(passages))
        # A passage may have gone between the reads.
        return ReadPassages(passages, said, near).some(passages)

    async def around(
        self, tenant: str, found: FoundPassages, named: QuestionNames, visible: Visible | None
    ) -> Neighbourhood:
        """What the question is to be ranked on, of what is visible."""
        part = Part()
        await self._grow(tenant, part, found, first_of(found, named), visible, HOPS)
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
            await asyncio.to_thread(self._cut, part.passages.values())

    async def _add(
        self, tenant: str, part: Part, found: FoundPassages, worth: Mapping[str, float], visible: Visible | None
    ) -> None:
        """Put these passages into the part, those that are there and visible; what was read already is not again."""
        known = found.read.some(part.new(worth))
        if known.passages:
            part.add(known)
        left = part.new(worth)
        if left:
            part.add(await self._read_passages(tenant, found.model, found.vector, left, visible))
        part.weigh(worth)

    async def _said(
        self, tenant: str, model: str, vector: Vector, chunk_ids: Sequence[str]
    ) -> tuple[GraphSnapshot, Sequence[Hit]]:
        """What passages say, and how like the question they are."""
        return await asyncio.gather(
            self._graph.around(tenant, chunk_ids), self._passages.compared(tenant, model, vector, chunk_ids)
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
        (texts, subjects), naming, sharing = await asyncio.gather(
            self._named_in(tenant, part, starts),
            self._graph.mentioned(tenant, sorted(about - {""}), OF_NAME),
            self._graph.mentioned(tenant, sorted(held - about - {""}), SHARED_BY),
        )
        # One entity may be called by names of both.
        mentions = list(dict.fromkeys([*naming, *sharing]))
        worth = await asyncio.to_thread(linked, part.worth, texts, said, subjects, mentions)
        new = sorted(
            (item for item in worth.items() if item[0] not in part.passages), key=lambda one: (-one[1], one[0])
        )
        return dict(new[:ADDED])

    async def _named_in(
        self, tenant: str, part: Part, chunk_ids: Sequence[str]
    ) -> tuple[dict[str, Text], list[Subject]]:
        """The texts of these passages, and what they name. The others' texts are cut while that is looked up."""
        texts, keys = await asyncio.to_thread(self._read, [part.passages[chunk_id] for chunk_id in chunk_ids])
        subjects, _ = await asyncio.gather(
            self._graph.named(tenant, keys, OF_NAME), asyncio.to_thread(self._cut, part.passages.values())
        )
        return texts, subjects

    def _read(self, passages: Iterable[Passage]) -> tuple[dict[str, Text], list[str]]:
        texts = {passage.chunk_id: self._texts.of(passage) for passage in passages}
        return texts, list(dict.fromkeys(chain.from_iterable(text.names for text in texts.values())))

    def _cut(self, passages: Iterable[Passage]) -> None:
        for passage in passages:
            self._texts.of(passage)

    def _index(self, part: Part, named: QuestionNames, question: str) -> Index:
        whole = Whole(named.passages, named.holding, part.spread, part.shared)
        passages = [part.passages[chunk_id] for chunk_id in sorted(part.passages)]
        return Index(passages, _ordered(combined(part.said)), whole, self._texts, question)


def _ordered(said: GraphSnapshot) -> GraphSnapshot:
    """The same in an order that no database and no replay changes: weights are added up in it."""
    return replace(
        said,
        subjects=sorted(said.subjects),
        mentions=sorted(said.mentions),
        statements=sorted(said.statements, key=lambda one: (one.relation_id, one.chunk_id, one.start, one.end)),
    )
