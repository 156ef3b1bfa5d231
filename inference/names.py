"""Which tokens of a dependency parse belong to a named span."""

from collections.abc import Iterator, Sequence
from typing import Any

from inference.analysis import EntitySpan, NameSpan

_PLACE_TYPES = frozenset({"GPE", "LOC"})
ERAS = frozenset({"bc", "bce", "ad", "ce"})
"""They stand beside a year, and name nothing."""
PLACE_NOUNS = frozenset({
    "city", "town", "village", "island", "state", "province", "country", "kingdom", "republic", "county", "district",
    "municipality", "river", "lake",
})  # fmt: skip
"""`The city of Carthage` is Carthage."""
OFFICE_WORDS = frozenset({
    "ceo", "cfo", "cto", "president", "chairman", "chairwoman", "director", "founder", "minister", "mayor", "king",
    "queen", "governor", "secretary", "chancellor", "deputy", "bishop", "archbishop", "professor", "dean", "captain",
    "ambassador", "senator", "emperor", "pope", "prime", "vice", "chief", "executive", "managing", "officer", "general",
})  # fmt: skip
"""`President` and `Prime Minister` alone name nobody, also where they are written as names are."""


class Names:
    """Which tokens belong to which named span."""

    def __init__(self, parsed: Any, entities: Sequence[EntitySpan]) -> None:
        self._of: dict[int, NameSpan] = {}
        self._of_place_type: set[int] = set()
        self._denied: set[int] = set()
        for entity in entities:
            span = parsed.char_span(entity.start, entity.end, alignment_mode="expand")
            if span is None or entity.name.lower() in ERAS:
                continue
            tokens = list(span)
            if all(token.lower_ in OFFICE_WORDS for token in tokens):
                continue
            if entity.type in _PLACE_TYPES:
                self._of_place_type.add(entity.start)
            for token in tokens:
                self._of.setdefault(token.i, NameSpan(entity.start, entity.end, entity.name))

    def at(self, token: Any) -> NameSpan | None:
        """The name that `token` heads or is part of."""
        return self._of.get(token.i)

    def deny(self, word: Any) -> None:
        """`word` is a `not`: the name right behind it, `not X but Y` or `Y, not X`, is the wrong one."""
        behind = self._of.get(word.i + 1)
        if behind is None and word.i + 2 < len(word.doc) and word.nbor().tag_ == "DT":
            behind = self._of.get(word.i + 2)
        if behind is not None:
            self._denied.add(behind.start)

    def is_denied(self, name: NameSpan) -> bool:
        """Whether the text says of this name that it is not the one."""
        return name.start in self._denied

    def is_place(self, name: NameSpan) -> bool:
        """Whether the model takes what is named there for a place."""
        return name.start in self._of_place_type

    def of(self, token: Any) -> Iterator[NameSpan]:
        """The name at `token`, and those of what is joined to it by and, or, a comma or a noun of its kind."""
        named = self.at(token)
        if named is not None:
            yield named
        for child in token.children:
            if child.dep_ == "conj" or (child.dep_ == "appos" and not _is_aside(child)):
                yield from self.of(child)
            elif named is None and child.dep_ == "prep" and child.lower_ == "of" and token.lower_ in PLACE_NOUNS:
                for own in child.children:
                    if own.dep_ == "pobj":
                        yield from self.of(own)


def _is_aside(token: Any) -> bool:
    """Whether it begins behind a bracket or a colon: another spelling, not the thing that acts."""
    first = token.left_edge.i
    return first > 0 and token.doc[first - 1].text in {"(", "[", ":"}
