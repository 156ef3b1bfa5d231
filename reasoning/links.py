"""Passages name what other passages are about: aliases, found in texts by longest match, make links with a span."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from contracts.ids import normalise_name
from reasoning.words import Word, fold, words_of

Name = tuple[str, ...]
"""A name as its folded words."""


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


def name_of(text: str) -> Name:
    """A name's folded words; empty where there are none."""
    return tuple(fold(normalise_name(text)).split())


class Names:
    """A set of names, ready to be found in texts."""

    def __init__(self, names: Iterable[Name]) -> None:
        self.names = frozenset(name for name in names if name)
        self._longest: dict[str, int] = {}
        for name in self.names:
            self._longest[name[0]] = max(len(name), self._longest.get(name[0], 0))

    def find(self, text: str, words: Sequence[Word] | None = None) -> list[Span]:
        """Spans of names in a text, the longest first where several begin, none within another.

        A single word without a capital is no mention: too many titles are also plain words.
        """
        return list(self._find(text, words_of(text) if words is None else words))

    def _find(self, text: str, words: Sequence[Word]) -> Iterator[Span]:
        at = 0
        while at < len(words):
            longest = min(self._longest.get(words[at].folded, 0), len(words) - at)
            step = 1
            for length in range(longest, 0, -1):
                name = tuple(word.folded for word in words[at : at + length])
                start, end = words[at].start, words[at + length - 1].end
                if name in self.names and (length > 1 or text[start:end] != text[start:end].lower()):
                    yield Span(name, start, end)
                    step = length
                    break
            at += step


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan of one text found, and what a later scan need not do again."""

    words: frozenset[str]
    spans: tuple[Span, ...]


def scan(texts: Mapping[str, str], names: Names, before: Mapping[str, Scanned], known: Names) -> dict[str, Scanned]:
    """Spans of `names` in each text, by chunk id.

    `before` holds what the last scan found, with the names `known`. A chunk's text never changes, so it is scanned
    again only where a name was added or removed that begins with one of its words.
    """
    changed = {name[0] for name in names.names ^ known.names}
    scanned: dict[str, Scanned] = {}
    for chunk_id, text in texts.items():
        earlier = before.get(chunk_id)
        if earlier is not None and earlier.words.isdisjoint(changed):
            scanned[chunk_id] = earlier
            continue
        words = words_of(text)
        scanned[chunk_id] = Scanned(frozenset(word.folded for word in words), tuple(names.find(text, words)))
    return scanned


class Targets:
    """Which passages a name leads to, and how surely."""

    def __init__(self, subjects: Iterable[tuple[Name, int, float]]) -> None:
        """`subjects`: name, passage number, quality in 0..1."""
        qualities: dict[Name, dict[int, float]] = {}
        for name, passage, quality in subjects:
            if name:
                of = qualities.setdefault(name, {})
                of[passage] = max(quality, of.get(passage, 0.0))
        # A name that many passages share says little of any of them.
        self._of = {
            name: [(passage, quality / math.sqrt(len(of))) for passage, quality in sorted(of.items())]
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
