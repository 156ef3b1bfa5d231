"""What a name is likely the name of, by its words, by those around it, and by what a passage about it says it is."""

import re
from dataclasses import dataclass

from reasoning.answering.candidates import folded
from reasoning.answering.evidence import Evidence, Found
from reasoning.answering.gazetteer import (
    CONTINENTS,
    COUNTRIES,
    GIVEN_NAMES,
    KIND_WORDS,
    NATIONALITIES,
    PERSON_TITLES,
    STATES,
)
from reasoning.links import Name
from reasoning.question.kinds import Kind, kind_of_noun
from reasoning.words import stem, words_of

_DEFINES = re.compile(r"\b(?:is|was|are|were)\b(?:\s+(?:\w+ly|also|still|once))?\s+(?:one of (?:the)?|an?|the)\b")
_DEFINED = re.compile(r"\s(?:of|in|by|from|that|which|who|for|on|at|with|where|near|located|based|known|written)\s|;")
_SMALLER = frozenset(map(stem, ("city", "town", "village", "county", "district", "municipality", "birthplace")))
"""What no country or state is."""
DEFINITION_WORDS = 14
"""Words behind `is a` that say what something is."""
_BRACKETS = re.compile(r"\s*\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Named:
    """How much a name is like one of a person, of a place, of a country and so on, in -1..1."""

    person: float
    location: float
    noun: float


class NameTypes:
    """Types of the names in one question's evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self._passages: dict[Name, Found] = {}
        for passage in reversed(evidence.passages):
            for name in _names_of(passage):
                self._passages[name] = passage
        self._definitions: dict[int, tuple[frozenset[str], Kind]] = {}

    def about(self, name: Name) -> Found | None:
        """The passage about what is named so."""
        return self._passages.get(name)

    def definition_of(self, passage: Found) -> tuple[frozenset[str], Kind]:
        """Stems of what a passage says that its subject is, and its kind."""
        known = self._definitions.get(passage.number)
        if known is None:
            known = self._definitions[passage.number] = _definition(passage)
        return known

    def named(self, text: str, name: Name, before: tuple[str, str], after: str, noun: tuple[str, ...]) -> Named:
        """`text`: the name as it stands there, `before`: the two folded words before it, `after`: the one behind it,
        `noun`: what is asked for."""
        passage = self._passages.get(name)
        definition, kind = self.definition_of(passage) if passage is not None else (frozenset[str](), Kind.THING)
        whole = " ".join(without_land(text, name))
        kind_word = any(stem(word) in KIND_WORDS for word in name)
        person = location = 0.0
        if kind is Kind.PERSON:
            person, location = 1.0, -0.5
        elif kind is Kind.LOCATION or whole in COUNTRIES or whole in STATES or whole in CONTINENTS:
            person, location = -1.0, 1.0
        elif whole in NATIONALITIES:
            person = location = -1.0
        elif name[0] in PERSON_TITLES and "of" in name:  # an office
            person = location = -0.5
        elif name and (name[0] in GIVEN_NAMES or before[1] in PERSON_TITLES or name[0] in PERSON_TITLES):
            person = 0.9 if len(name) > 1 else 0.5
        elif kind_word:
            location = 0.6 if any(kind_of_noun(word) is Kind.LOCATION for word in name) else -0.3
            person = -0.5
        else:
            person = 0.4 if 2 <= len(name) <= 4 else 0.0
            if before[1] in {"in", "near", "at", "from"}:
                location, person = 0.5, -0.2
            elif before[1] == "by":
                person += 0.3
        return Named(person, location, _noun_fit(name, whole, definition, kind_word, before, after, noun))


def without_land(text: str, name: Name) -> Name:
    """The location itself, of one with the land that it lies in: of `Wisconsin, United States` the state."""
    return folded(text.split(",")[0]) if "," in text else name


def _noun_fit(
    name: Name,
    whole: str,
    definition: frozenset[str],
    kind_word: bool,
    before: tuple[str, str],
    after: str,
    noun: tuple[str, ...],
) -> float:
    """Whether the name is said to be what is asked for: `River Aldous`, `the actress Antara Mali`, `X, a city`."""
    if not noun:
        return 0.0
    head = stem(noun[-1])
    if head in {"countr", "nation"}:
        return 1.0 if whole in COUNTRIES else (0.7 if head in definition else -0.5)
    if head == "stat" and whole in STATES:
        return 1.0
    if head in _SMALLER and whole in COUNTRIES | STATES | CONTINENTS and whole not in definition:
        return -0.7
    if head == "continent":
        return 1.0 if whole in CONTINENTS else -0.5
    if any(stem(word) == head for word in name):
        return 1.0
    if head in definition:
        return 1.0
    if stem(before[1]) == head or stem(after) == head:
        return 0.8
    if stem(before[0]) == head and before[1] in {"of", "named", "called"}:
        return 0.5
    if kind_word and kind_of_noun(noun[-1]) is not Kind.THING:
        return -0.3
    return 0.0


def _names_of(passage: Found) -> list[tuple[str, ...]]:
    title = _BRACKETS.sub("", passage.title)
    names = [folded(title), folded(title.split(",")[0])]
    if not passage.title and passage.sentences:
        opening = re.split(r"\s(?:is|was|are|were)\s|[(,]", passage.sentences[0].text, maxsplit=1)[0]
        names.append(folded(opening))
    return [name for name in names if name]


def _definition(passage: Found) -> tuple[frozenset[str], Kind]:
    if not passage.sentences:
        return frozenset(), Kind.THING
    first = passage.sentences[0].text
    match = _DEFINES.search(_BRACKETS.sub("", first))
    if match is None:
        return frozenset(), Kind.THING
    rest = _BRACKETS.sub("", first)[match.end() :]
    end = _DEFINED.search(rest)
    behind = [word.folded for word in words_of(rest[: end.start()] if end else rest)][:DEFINITION_WORDS]
    kinds = [kind_of_noun(word) for word in behind]
    kind = kinds[-1] if kinds else Kind.THING
    if kind is Kind.THING and Kind.PERSON in kinds and not passage.title.startswith("The "):
        kind = Kind.PERSON
    return frozenset(stem(word) for word in behind), kind
