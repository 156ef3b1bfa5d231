"""What nouns say: `X, the director of Y`, `Y's founder X`, `X is the capital of Y`, `X served as mayor of Y`."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from inference.analysis import NameSpan
from inference.names import Names
from inference.polarity import Lemma
from inference.subjects import COPULAS, Subject, Subjects, is_passive, is_verb
from inference.times import Times

COPULA, APPOSITION, POSSESSION, OFFICE = 0.7, 0.75, 0.7, 0.65
TITLES = frozenset({"ceo", "cfo", "cto", "president", "chairman", "chairwoman", "director", "founder", "co-founder"})
"""Nouns that stand before a name, behind the name of what they are of: `Apple president X`."""
_TITLE_WORDS = frozenset({"prime", "vice", "chief", "executive", "deputy", "managing"})
"""They make another office of the noun behind them; other adjectives are left out."""
_KIN = frozenset({
    "father", "mother", "son", "daughter", "child", "brother", "sister", "wife", "husband", "widow", "uncle", "aunt",
})  # fmt: skip
"""No place is one: there the parser took the wrong noun for what an apposition is of."""
_HOLDING = frozenset({"serve", "work", "act", "succeed", "replace", "follow", "resign", "retire", "step"})
_CHOOSING = frozenset({"elect", "re-elect", "reelect", "appoint", "name", "choose", "crown", "install", "hire"})
BEGINNING = frozenset({"become", "succeed", "replace", "follow"}) | _CHOOSING
"""From when what they say holds, on."""
ENDING = frozenset({"resign", "retire", "step"})
"""Until when it held."""


class Role(NamedTuple):
    """`subject` is the `label` (`director of`) of `object`, said by `noun` and, where there is one, by `verb`."""

    subject: NameSpan
    label: str
    object: NameSpan
    noun: Any
    verb: Any | None
    confidence: float


class Roles:
    """Of one parsed text."""

    def __init__(self, names: Names, times: Times, subjects: Subjects, lemma: Lemma) -> None:
        self._names = names
        self._times = times
        self._subjects = subjects
        self._lemma = lemma

    def of(self, noun: Any) -> Iterator[Role]:
        """What is said of who or what bears this noun."""
        if not noun.tag_.startswith("NN") or self._names.at(noun) is not None:
            return
        others = list(self.others(noun))
        if not others:
            return
        is_kin = noun.lower_ in _KIN
        for subject, factor, verb, confidence in self._bearers(noun):
            for label, obj in others:
                if obj.name != subject.name and not (is_kin and self._names.is_place(subject)):
                    yield Role(subject, label, obj, noun, verb, round(confidence * factor, 3))

    def others(self, noun: Any) -> Iterator[tuple[str, NameSpan]]:
        """(`director of`, name) for what the noun is of."""
        word = self.word(noun)
        found = False
        for child in noun.children:
            if child.dep_ == "prep":
                for obj in child.children:
                    if obj.dep_ == "pobj" and obj not in self._times:
                        for name in self._names.of(obj):
                            found = True
                            yield f"{word} {child.lower_}", name
            elif child.dep_ == "poss":
                if child.tag_ == "WP$":
                    owners = self._subjects.antecedents(noun)
                elif child.tag_ == "PRP$":
                    owners = self._owners(noun)
                else:
                    owners = list(self._names.of(child))
                for name in owners:
                    found = True
                    yield f"{word} of", name
        if not found:
            before = noun.nbor(-1) if noun.i else None
            while before is not None and before.lower_ in _TITLE_WORDS and before.i:
                before = before.nbor(-1)
            named = None if before is None else self._names.at(before)
            if named is not None and word.lower() in {*TITLES, "chief executive", "prime minister"}:
                yield f"{word} of", named
            for child in noun.children:
                # The founder and director of X.
                if child.dep_ == "conj" and child.tag_.startswith("NN") and self._names.at(child) is None:
                    for label, name in self.others(child):
                        if label.startswith(self.word(child)):
                            yield word + label[len(self.word(child)) :], name

    def word(self, noun: Any) -> str:
        """The noun, with the words that make another office of it."""
        words = [self._lemma(noun, "NOUN")]
        position = noun.i - 1
        while position >= 0 and noun.doc[position].lower_ in _TITLE_WORDS:
            words.insert(0, noun.doc[position].lower_)
            position -= 1
        return " ".join(words)

    def _owners(self, noun: Any) -> list[NameSpan]:
        """Whom `his` and `her` mean: the subject of the clause, where the noun is no part of that itself."""
        token = noun
        for _ in range(len(noun.doc)):
            if token.dep_ in {"nsubj", "nsubjpass"}:
                return []
            if is_verb(token):
                subjects = self._subjects.of(token)
                return [subjects[0][0]] if len(subjects) == 1 else []
            token = token.head
        return []

    def _bearers(self, noun: Any, depth: int = 0) -> Iterator[tuple[NameSpan, float, Any | None, float]]:
        """(name, factor, verb, confidence) of who is said to be this."""
        head = noun.head
        seen: set[int] = set()
        for child in noun.children:
            if child.dep_ == "appos":
                for name in self._names.of(child):
                    seen.add(name.start)
                    yield name, 1.0, None, APPOSITION
        following = noun.nbor() if noun.i + 1 < len(noun.doc) else None
        if following is not None and noun.dep_ != "poss":
            name_behind = self._names.at(following)
            if name_behind is not None and name_behind.start == following.idx and name_behind.start not in seen:
                yield name_behind, 1.0, None, POSSESSION
        match noun.dep_:
            case "appos":
                named = self._names.at(head)
                if named is not None:
                    yield named, 1.0, None, APPOSITION
            case "attr":
                yield from _all(self._subjects.of(head), head, COPULA)
            case "nsubj" if head.lower_ in COPULAS:
                for child in head.children:
                    if child.dep_ == "attr" and self._names.at(child) is not None:
                        yield from _all([(name, 1.0) for name in self._names.of(child)], head, COPULA)
            case "oprd" if is_verb(head):
                yield from _all(self._chosen(head), head, OFFICE)
            case "dobj" if is_verb(head) and is_passive(head):
                yield from _all(self._chosen(head), head, OFFICE)
            case "pobj" if head.lower_ == "as" and is_verb(head.head):
                word = self._lemma(head.head, "VERB")
                if word in _HOLDING:
                    yield from _all(self._subjects.of(head.head), head.head, OFFICE)
                elif word in _CHOOSING:
                    yield from _all(self._chosen(head.head), head.head, OFFICE)
            case "pobj" if head.lower_ == "of" and head.head.lower_ == "one" and depth < 8:
                yield from self._bearers(head.head, depth + 1)
            case "conj" if head.tag_.startswith("NN") and self._names.at(head) is None and depth < 8:
                yield from self._bearers(head, depth + 1)

    def _chosen(self, verb: Any) -> list[Subject]:
        if self._lemma(verb, "VERB") not in _CHOOSING:
            return []
        if is_passive(verb):
            return self._subjects.of(verb)
        return [(name, 1.0) for child in verb.children if child.dep_ == "dobj" for name in self._names.of(child)]


def _all(subjects: list[Subject], verb: Any, confidence: float) -> Iterator[tuple[NameSpan, float, Any, float]]:
    for name, factor in subjects:
        yield name, factor, verb, confidence
