"""Which tokens of a dependency parse belong to a named span, and which to words of time."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from inference.analysis import EntitySpan, NameSpan

_YEAR = re.compile(r"(?:1\d{3}|20\d{2})s?$")
_PLACE_TYPES = frozenset({"GPE", "LOC"})
_ERAS = frozenset({"bc", "bce", "ad", "ce"})
_NOMINAL = frozenset({"prep", "pobj", "dobj", "attr", "agent", "oprd", "nsubj", "nsubjpass", "conj", "dative"})
_WITHIN = frozenset({"IN", "TO", "CC", "CD", "DT", ",", ":", "HYPH"})
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
            if span is None or entity.name.lower() in _ERAS:
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


class Times:
    """The words of time of each clause, or of each noun in apposition: `in 1990`, `from 2001 to 2003`, `last year`."""

    def __init__(self, parsed: Any, tokens: Sequence[Any]) -> None:
        """`tokens`: those of the whole text."""
        dated = {
            position
            for entity in parsed.ents
            if entity.label_ == "DATE"
            for position in range(entity.start, entity.end)
        }
        for token in tokens:
            if token.tag_ == "CD":
                if _YEAR.match(token.text):
                    dated.add(token.i)
                elif token.i + 1 < len(tokens) and tokens[token.i + 1].lower_ in _ERAS:
                    dated.update((token.i, token.i + 1))
        self._tokens = frozenset(dated)
        self._of: dict[int, list[str]] = {}
        last = -1
        for position in sorted(dated):
            token = tokens[position]
            if position <= last:
                continue
            if token.dep_ in {"pobj", "pcomp"} and token.head.dep_ == "prep" and last < token.head.i < position:
                token = head = token.head
            elif (head := self._bare(token)) is None:
                continue
            last = self._end(tokens, token)
            owner = _owner(head)
            if owner is not None:
                self._of.setdefault(owner.i, []).append(parsed[token.i : last + 1].text)

    def of(self, token: Any) -> str | None:
        """The words, or None."""
        found = self._of.get(token.i)
        return None if found is None else " ".join(" ".join(found).split())

    def __contains__(self, token: Any) -> bool:
        return token.i in self._tokens

    def _bare(self, token: Any) -> Any | None:
        """The head of the time at `token` where that is said without a preposition, else None."""
        while token.i in self._tokens:
            if token.dep_ in {"npadvmod", "tmod"}:
                return token
            if token.head.i == token.i or token.head.i not in self._tokens:
                return None
            token = token.head
        return None

    def _end(self, tokens: Sequence[Any], token: Any) -> int:
        """The last token of the words that begin at `token`."""
        end: int = token.i
        for position in range(token.i + 1, min(len(tokens), token.i + 12)):
            if position in self._tokens:
                end = position
            elif tokens[position].tag_ not in _WITHIN:
                break
        return end


def _owner(token: Any) -> Any | None:
    """The verb or the noun in apposition that words of time at `token` belong to."""
    head = token.head
    for _ in range(len(token.doc)):
        if head.tag_.startswith("VB") or head.dep_ in {"ROOT", "appos"}:
            return head
        if head.dep_ not in _NOMINAL:
            return None
        head = head.head
    return None
