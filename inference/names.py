"""Which tokens of a dependency parse belong to a named span, and which to words of time."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from inference.analysis import EntitySpan, NameSpan

_YEAR = re.compile(r"(?:1\d{3}|20\d{2})s?$")
_ERAS = frozenset({"bc", "bce", "ad", "ce"})
_NOMINAL = frozenset({"prep", "pobj", "dobj", "attr", "agent", "oprd", "nsubj", "nsubjpass", "conj", "dative"})
_WITHIN = frozenset({"IN", "TO", "CC", "CD", "DT", ",", ":", "HYPH"})
PLACE_NOUNS = frozenset({
    "city", "town", "village", "island", "state", "province", "country", "kingdom", "republic", "county", "district",
    "municipality", "river", "lake",
})  # fmt: skip
"""`The city of Carthage` is Carthage."""
JOINS = frozenset({"conj", "appos"})


class Names:
    """Which tokens belong to which named span."""

    def __init__(self, parsed: Any, entities: Sequence[EntitySpan]) -> None:
        self._of: dict[int, NameSpan] = {}
        for entity in entities:
            span = parsed.char_span(entity.start, entity.end, alignment_mode="expand")
            if span is not None and span.root.lower_ in _ERAS and any(c.tag_ == "CD" for c in span.root.lefts):
                continue
            for token in span if span is not None else ():
                self._of.setdefault(token.i, NameSpan(entity.start, entity.end, entity.name))

    def at(self, token: Any) -> NameSpan | None:
        """The name that `token` heads or is part of."""
        return self._of.get(token.i)

    def of(self, token: Any) -> Iterator[NameSpan]:
        """The name at `token`, and those of what is joined to it by and, or, a comma or a noun of its kind."""
        named = self.at(token)
        if named is not None:
            yield named
        for child in token.children:
            if child.dep_ in JOINS:
                yield from self.of(child)
            elif named is None and child.dep_ == "prep" and child.lower_ == "of" and token.lower_ in PLACE_NOUNS:
                for own in child.children:
                    if own.dep_ == "pobj":
                        yield from self.of(own)


class Times:
    """The words of time of each clause, or of each noun in apposition: `in 1990`, `from 2001 to 2003`, `last year`."""

    def __init__(self, parsed: Any) -> None:
        self._tokens = {token.i for entity in parsed.ents if entity.label_ == "DATE" for token in entity}
        self._of: dict[int, list[str]] = {}
        for token in parsed:
            if token.tag_ == "CD" and _YEAR.match(token.text):
                self._tokens.add(token.i)
            elif token.lower_ in _ERAS and token.i and token.nbor(-1).tag_ == "CD":
                self._tokens.update((token.i - 1, token.i))
        if not self._tokens:
            return
        last = -1
        for token in parsed:
            if token.i <= last:
                continue
            begins = token.dep_ == "prep" and any(
                child.dep_ in {"pobj", "pcomp"} and child.i in self._tokens for child in token.children
            )
            if begins or (token.i in self._tokens and self._is_bare(token)):
                last = self._end(token)
                owner = _owner(token)
                if owner is not None:
                    self._of.setdefault(owner.i, []).append(parsed[token.i : last + 1].text)

    def of(self, token: Any) -> str | None:
        """The words, or None."""
        found = self._of.get(token.i)
        return None if found is None else " ".join(" ".join(found).split())

    def __contains__(self, token: Any) -> bool:
        return token.i in self._tokens

    def _is_bare(self, token: Any) -> bool:
        """Whether the time at `token` is said without a preposition, and stands by itself."""
        while token.i in self._tokens:
            if token.dep_ in {"npadvmod", "tmod"}:
                return True
            if token.head.i == token.i or token.head.i not in self._tokens:
                return False
            token = token.head
        return False

    def _end(self, token: Any) -> int:
        """The last token of the words that begin at `token`."""
        end: int = token.i
        for position in range(token.i + 1, min(len(token.doc), token.i + 12)):
            if position in self._tokens:
                end = position
            elif token.doc[position].tag_ not in _WITHIN:
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
