"""Which tokens of a dependency parse are words of time, and of which clause or noun."""

import re
from collections.abc import Sequence
from typing import Any

from inference.names import ERAS

_YEAR = re.compile(r"(?:1\d{3}|20\d{2})s?$")
_NOMINAL = frozenset({"prep", "pobj", "dobj", "attr", "agent", "oprd", "nsubj", "nsubjpass", "conj", "dative"})
_WITHIN = frozenset({"IN", "TO", "CC", "CD", "DT", ",", ":", "HYPH"})


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
                elif token.i + 1 < len(tokens) and tokens[token.i + 1].lower_ in ERAS:
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
