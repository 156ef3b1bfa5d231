"""Passages name what other passages are about: aliases, found in texts by longest match, make links with a span."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from contracts.folding import name_words
from contracts.scripts import is_lower
from reasoning.words import Words

Name = tuple[str, ...]
"""A name as its folded words."""

name_of = name_words
"""A name's folded words; empty where there are none."""


class Span(NamedTuple):
    """`text[start:end]` is this name."""

    name: Name
    start: int
    end: int


class Link(NamedTuple):
    """A span in a passage's text names what passage number `target` is about."""

    target: int
    weight: float
    start: int
    end: int


class Names:
    """A set of names, ready to be found in texts."""

    def __init__(self, names: Iterable[Name]) -> None:
        self.names = frozenset(name for name in names if name)
        self._longest: dict[str, int] = {}
        for name in self.names:
            self._longest[name[0]] = max(len(name), self._longest.get(name[0], 0))

    def find(self, text: str, words: Words | None = None) -> list[Span]:
        """Spans of names in a text, the longest first where several begin, none within another.

        A single word without a capital is no mention: too many titles are also plain words.
        """
        return list(self._find(text, Words(text) if words is None else words))

    def _find(self, text: str, words: Words) -> Iterator[Span]:
        folded = words.folded
        longest = self._longest
        end = 0
        for at in [number for number, word in enumerate(folded) if word in longest]:
            if at < end:
                continue
            for length in range(min(longest[folded[at]], len(folded) - at), 0, -1):
                if (name := folded[at : at + length]) not in self.names:
                    continue
                first, last = words.bounds(at, at + length - 1)
                if length > 1 or not is_lower(text[first:last]):
                    yield Span(name, first, last)
                    end = at + length
                    break


class Targets:
    """Which passages a name leads to, and how surely."""

    def __init__(self, subjects: Iterable[tuple[Name, int, float]], shared: Mapping[Name, int] | None = None) -> None:
        """`subjects`: name, passage number, quality in 0..1. `shared`: how many passages a name is of, where these are
        not all."""
        shared = shared or {}
        qualities: dict[Name, dict[int, float]] = {}
        for name, passage, quality in subjects:
            if name:
                of = qualities.setdefault(name, {})
                of[passage] = max(quality, of.get(passage, 0.0))
        # A name that many passages share says little of any of them.
        self._of = {
            name: [
                (passage, quality / math.sqrt(max(len(of), shared.get(name, 0))))
                for passage, quality in sorted(of.items())
            ]
            for name, of in qualities.items()
        }

    @property
    def names(self) -> Iterable[Name]:
        """Every name that leads somewhere."""
        return self._of.keys()

    def of(self, name: Name) -> Sequence[tuple[int, float]]:
        """(passage number, weight), in order of number."""
        return self._of.get(name, ())

    def links(self, spans: Iterable[Span], source: int | None = None) -> list[Link]:
        """Links out of passage `source` (None: out of a question), each target at each span; none to itself."""
        return [
            Link(target, weight, span.start, span.end)
            for span in spans
            for target, weight in self.of(span.name)
            if target != source
        ]
