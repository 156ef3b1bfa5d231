"""Passages that name the same thing, where no passage is about it: what joins them beside links."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from operator import attrgetter

from projections.graph.reads import Mention
from projections.vector.reads import Passage
from reasoning.links import Link, Name, Names, Span, name_of
from reasoning.texts import Text

SHARED = 0.7
"""What it is worth that two passages share a name, beside one that names what the other is about."""
FEWEST, MOST = 2, 20
"""Passages that name it: what more name says little of any two of them."""

_ENTITY = attrgetter("entity_id")


class SharedNames:
    """Worked out when it is asked for: it is, of few passages of an index. Read by many threads."""

    def __init__(
        self,
        passages: Sequence[Passage],
        texts: Sequence[Text],
        mentions: Sequence[Mention],
        aliases: Collection[Name],
        spread: Mapping[str, int],
    ) -> None:
        """`texts`: one for each passage. `aliases`: names of what passages are about, which are links.

        `spread`: how many passages name an entity, where these passages are not all.
        """
        self._texts = texts
        numbers = {passage.chunk_id: number for number, passage in enumerate(passages)}
        self._holders: dict[str, dict[int, Name]] = {}
        self._named: defaultdict[int, list[str]] = defaultdict(list)
        firsts: dict[str, Mention] = {}
        joining: list[tuple[str, int]] = []
        # Most entities have one mention, and join nothing.
        times = Counter(map(_ENTITY, mentions))
        for mention in [one for one in mentions if times[one.entity_id] > 1]:
            name, number = name_of(mention.name), numbers.get(mention.chunk_id)
            if name and number is not None and name not in aliases:
                joining.append((mention.entity_id, number))
                first = firsts.setdefault(mention.entity_id, mention)
                if first is not mention:
                    holders = self._holders.get(mention.entity_id)
                    if holders is None:
                        holders = self._holders[mention.entity_id] = {numbers[first.chunk_id]: name_of(first.name)}
                    holders[number] = name
        for entity_id, number in joining if self._holders else ():
            if entity_id in self._holders:
                self._named[number].append(entity_id)
        self._spread = spread
        self._kept: dict[int, dict[str, Span]] = {}

    def links(self, number: int, asked: Collection[Name]) -> Iterator[Link]:
        """From a passage to those that share a name with it, at the first place that it has in the passage.

        `asked`: names of the question, which join what is found anyway.
        """
        for entity_id, span in self._spans(number).items():
            holders = self._holders[entity_id]
            if span.name in asked:
                continue
            weight = SHARED / math.sqrt(max(len(holders), self._spread.get(entity_id, 0)))
            for other in holders:
                if other != number:
                    yield Link(other, weight, span.start, span.end)

    def _spans(self, number: int) -> dict[str, Span]:
        """Where the entities stand in a passage that join it to others; kept once worked out."""
        kept = self._kept.get(number)
        if kept is None:
            kept = {}
            text = self._texts[number]
            for entity_id in self._named.get(number, ()):
                holders = self._holders[entity_id]
                if len(holders) >= FEWEST and max(len(holders), self._spread.get(entity_id, 0)) <= MOST:
                    found = Names((holders[number],)).find(text.text, text.words)
                    if found:
                        kept[entity_id] = found[0]
            self._kept[number] = kept
        return kept
