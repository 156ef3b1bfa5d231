"""What a person types, as a query: words, phrases, prefixes, negation, conditions. Every text is one."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from projections.vector.spelling import ranking_words
from projections.vector.text_query import MOST_LITERALS, MOST_WORDS, Literal, TextQuery, literal_words

SYNTAX = """\
\b
lamp glass        passages like these words, best first; none of them has to be there
"glass lamp"      these words side by side
lamp*             a word that begins so
-lamp -"a lamp"   without this word, without this phrase
document:ID       of this document
source:URI        of documents whose address begins so
type:T language:L collection:C   of documents with this attribute
meta:NAME=VALUE   of documents with any other attribute
after:2026-01-05 before:2026-02-01   taken in from this day on, before this day (UTC)
A value with spaces is quoted: meta:"author=Ada Lovelace". Of one attribute given twice either value will do.
Anything else is taken as words. A QUERY that begins with - goes behind --, as in: annals search -- -lamp
"""
"""For people, as `annals search --help` shows it."""

ATTRIBUTES = ("type", "language", "collection")
"""Attributes of documents that have a condition of their own name."""

_TOKEN = re.compile(r'(?P<minus>-)?(?:(?P<name>[a-z]+):)?(?:"(?P<quoted>[^"]*)"|(?P<bare>\S+))')
_ATTRIBUTE = re.compile(r"([^=]{1,128})=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DocumentConditions:
    """Which documents: all conditions hold. `attributes`: for each name the values of which the document has one.

    `since` and `until`: when it was taken in, from and before.
    """

    documents: tuple[str, ...] = ()
    source: str | None = None
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.documents or self.source or self.attributes or self.since or self.until)


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """`meaning` is what is searched for by meaning: the words and phrases that are wanted, if any."""

    meaning: str
    text: TextQuery
    conditions: DocumentConditions


class _Parts:
    def __init__(self) -> None:
        self.meaning: list[str] = []
        self.ranking: dict[str, None] = {}
        self.present: dict[Literal, None] = {}
        self.absent: dict[Literal, None] = {}
        self.given: dict[str, Any] = {"attributes": {}, "documents": ()}

    def words(self, text: str) -> None:
        """Some words that rank."""
        self.meaning.append(text)
        for word in ranking_words(text):
            if len(self.ranking) < MOST_WORDS:
                self.ranking.setdefault(word)

    def literal(self, text: str, *, absent: bool, prefix: bool) -> None:
        """Words that must be there, or must not; nothing where the text has none."""
        words = literal_words(text)
        if not words:
            return
        into = self.absent if absent else self.present
        if len(into) < MOST_LITERALS:
            into.setdefault(Literal(words, prefix and len(words) == 1))
        if not absent:
            self.words(text)

    def condition(self, name: str, value: str) -> bool:
        """Whether it was one."""
        match name:
            case "document":
                self.given["documents"] = (*self.given["documents"], value)
            case "source":
                self.given["source"] = value
            case "after" | "before":
                try:
                    self.given["since" if name == "after" else "until"] = _day(value)
                except ValueError:
                    return False
            case "meta" if (found := _ATTRIBUTE.fullmatch(value)) is not None:
                self._attribute(found[1], found[2])
            case _ if name in ATTRIBUTES:
                self._attribute(name, value)
            case _:
                return False
        return True

    def _attribute(self, name: str, value: str) -> None:
        of = self.given["attributes"]
        of[name] = (*of.get(name, ()), value)


def storable(text: str) -> str:
    """Without NUL and halves of surrogate pairs: no text that PostgreSQL keeps has them."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode()


def parse(typed: str) -> SearchQuery:
    """Whatever it holds; what means nothing is passed over."""
    typed = storable(typed)
    parts = _Parts()
    at = 0
    while (found := _TOKEN.search(typed, at)) is not None:
        at = found.end()
        name, quoted, bare = found["name"], found["quoted"], found["bare"]
        value = quoted if quoted is not None else bare
        if name and not found["minus"] and value and parts.condition(name, value):
            continue
        if name:
            value = f"{name}:{value}"
        prefix = quoted is None and value.endswith("*")
        if found["minus"] or quoted is not None or prefix:
            parts.literal(value, absent=bool(found["minus"]), prefix=prefix)
        else:
            parts.words(value)
    conditions = DocumentConditions(**parts.given)
    text = TextQuery(" ".join(parts.ranking), tuple(parts.present), tuple(parts.absent))
    return SearchQuery(" ".join(parts.meaning), text, conditions)


def _day(value: str) -> datetime:
    """Midnight UTC of a day, or a moment; raises ValueError."""
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
