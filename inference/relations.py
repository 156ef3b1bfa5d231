"""Open triples from a dependency parse (labels of spaCy's English models): who does, or is, what to whom.

A clause gives its active form: `Y was founded by X` and `X founded Y` are one. What nouns say is in
`inference/roles.py`.
"""

from collections.abc import Iterator
from typing import Any

from inference.analysis import NameSpan, RelationSpan
from inference.names import Names
from inference.polarity import Lemma, is_denied_noun, polarity
from inference.predicates import normalised
from inference.roles import BEGINNING, COPULA, ENDING, Roles
from inference.subjects import COPULAS, RELATIVE, SUBJECTS, WH, Subjects, is_passive, is_verb
from inference.times import Times
from inference.validity import Validity, validity

# How sure a pattern is: the parser finds objects about nine times in ten, attaches prepositions less well.
DIRECT, PREPOSITIONAL, AGENT = 0.8, 0.6, 0.75
MODAL = 0.5
"""Factor for what is possible, wished, said or conditional."""

Found = tuple[str, NameSpan, float]
"""Label of the predicate, object, confidence."""


def first_subject(parsed: Any, names: Names) -> str | None:
    """The named subject of the first sentence: what the text is most likely about."""
    for sentence in parsed.sents:
        for token in sentence:
            if token.dep_ in SUBJECTS and token.head == sentence.root:
                named = names.at(token)
                return named.name if named is not None else None
        return None
    return None


def relations_of(parsed: Any, names: Names, subject_of_text: str | None, lemma: Lemma) -> Iterator[RelationSpan]:
    """Every statement in which both sides have names, once; questions state nothing."""
    tokens = list(parsed)
    for token in tokens:
        if token.dep_ == "neg":
            names.deny(token)
    triples = _Triples(names, Times(parsed, tokens), Subjects(names, subject_of_text), lemma)
    seen: set[tuple[str, str, str, int]] = set()
    for sentence in parsed.sents:
        if tokens[sentence.end - 1].text == "?":
            continue
        for token in tokens[sentence.start : sentence.end]:
            for relation in triples.at(token):
                key = (relation.subject.name, relation.predicate, relation.object.name, relation.start)
                if relation.subject.name != relation.object.name and key not in seen:
                    seen.add(key)
                    yield relation


class _Triples:
    def __init__(self, names: Names, times: Times, subjects: Subjects, lemma: Lemma) -> None:
        self._names = names
        self._times = times
        self._subjects = subjects
        self._lemma = lemma
        self._roles = Roles(names, times, subjects, lemma)

    def at(self, token: Any) -> Iterator[RelationSpan]:
        """What the clause or the noun at `token` states."""
        if is_verb(token):
            yield from self._clause(token)
        else:
            for role in self._roles.of(token):
                yield self._relation(
                    role.subject, role.label, role.object, role.confidence, role.noun, role.verb, is_role=True
                )

    def _clause(self, verb: Any) -> Iterator[RelationSpan]:
        subjects = self._subjects.of(verb)
        passive = is_passive(verb)
        if subjects:
            for label, obj, confidence in self._predicates(verb, passive):
                for subject, factor in subjects:
                    yield self._relation(subject, label, obj, confidence * factor, verb, verb)
        else:
            for subject, label, obj in self._of_subject_noun(verb):
                yield self._relation(subject, label, obj, COPULA, verb, verb)
        if passive:
            for agent in self._agents(verb):
                for patient, factor in subjects:
                    yield self._relation(agent, self._word(verb), patient, AGENT * factor, verb, verb)

    def _word(self, verb: Any) -> str:
        particles = [child.lower_ for child in verb.children if child.dep_ == "prt"]
        return " ".join([self._lemma(verb, "VERB"), *particles])

    def _predicates(self, verb: Any, passive: bool) -> Iterator[Found]:
        """What the clause says of its subject."""
        word = str(verb.lower_) if passive else self._word(verb)
        is_copula = verb.lower_ in COPULAS
        has_object = False
        for child in verb.children:
            match child.dep_:
                case "dobj" | "dative" | "oprd" if child.tag_ not in {"IN", "TO"}:
                    has_object = True
                    yield from self._object(word, verb, child)
                case "attr" if is_copula:
                    if self._names.at(child) is not None:
                        for name in self._names.of(child):
                            yield word, name, COPULA
                case "agent":
                    for obj in child.children:
                        yield from self._of_name(word, obj)
                case "prep" | "dative":
                    if not (passive and child.lower_ == "by"):
                        yield from self._preposition(word, child)
                case "advmod" if child.lower_ == "where" and verb.dep_ == "relcl":
                    for name in self._subjects.referents(verb.head):
                        yield f"{word} in", name, PREPOSITIONAL * RELATIVE
        if verb.dep_ == "relcl" and not passive and not has_object and not is_copula and self._is_gap(verb):
            for name in self._subjects.referents(verb.head):
                yield word, name, DIRECT * RELATIVE

    def _object(self, word: str, verb: Any, obj: Any) -> Iterator[Found]:
        if obj.tag_ in WH:
            for name in self._subjects.antecedents(verb):
                yield word, name, DIRECT * RELATIVE
            return
        named = list(self._names.of(obj))
        for name in named:
            yield word, name, DIRECT
        if self._names.at(obj) is not None:
            yield from self._of_name(word, obj)
        elif not named and obj.dep_ != "oprd":
            for child in obj.children:
                if child.dep_ == "prep":
                    yield from self._preposition(f"{word} {obj.lower_}", child)

    def _of_name(self, word: str, name: Any) -> Iterator[Found]:
        """A name takes no preposition but `of`: what stands behind it belongs to the clause."""
        if self._names.at(name) is None:
            return
        for child in name.children:
            if child.dep_ == "prep" and child.lower_ != "of":
                yield from self._preposition(word, child)

    def _preposition(self, word: str, preposition: Any) -> Iterator[Found]:
        label = f"{word} {preposition.lower_}"
        for obj in preposition.children:
            if obj.dep_ == "prep":
                # From Prague to Chicago; out of Orlando.
                yield from self._preposition(label if obj.i == preposition.i + 1 else word, obj)
            if obj.dep_ != "pobj":
                continue
            if obj in self._times:
                # In May 1943 in Albuquerque.
                for deeper in obj.children:
                    if deeper.dep_ == "prep":
                        yield from self._preposition(word, deeper)
                continue
            if obj.tag_ in WH:
                for name in self._subjects.antecedents(obj):
                    yield label, name, PREPOSITIONAL * RELATIVE
                continue
            named = list(self._names.of(obj))
            for name in named:
                yield label, name, PREPOSITIONAL
            if not named and preposition.lower_ != "as":
                # "in Lisse on the coast of Morvane" stays with its first place; "of" leads on.
                for deeper in obj.children:
                    if deeper.dep_ == "prep" and deeper.lower_ == "of":
                        yield from self._preposition(f"{label} {obj.lower_}", deeper)

    def _agents(self, verb: Any) -> Iterator[NameSpan]:
        for child in verb.children:
            if child.dep_ == "agent" or (child.dep_ == "prep" and child.lower_ == "by"):
                for obj in child.children:
                    if obj.dep_ == "pobj" and obj not in self._times:
                        yield from self._subjects.antecedents(obj) if obj.tag_ in WH else self._names.of(obj)

    def _is_gap(self, verb: Any) -> bool:
        """Whether `which X founded` or `X founded` behind a noun lacks its object, which the noun is."""
        own = [child for child in verb.children if child.dep_ == "nsubj"]
        return (
            bool(own)
            and all(child.tag_ not in WH for child in own)
            and all(child.tag_ != "WRB" for child in verb.children)
            and not any(obj.tag_ in WH for child in verb.children for obj in child.children)
        )

    def _of_subject_noun(self, verb: Any) -> Iterator[tuple[NameSpan, str, NameSpan]]:
        """`Y's headquarters are in Z` tells of Y."""
        if verb.lower_ not in COPULAS:
            return
        for noun in verb.children:
            if noun.dep_ == "nsubj" and noun.tag_.startswith("NN"):
                for _, owner in self._roles.others(noun):
                    for child in verb.children:
                        if child.dep_ == "prep":
                            for label, obj, _ in self._preposition(self._lemma(noun, "NOUN"), child):
                                yield owner, label, obj

    def _relation(
        self,
        subject: NameSpan,
        label: str,
        obj: NameSpan,
        confidence: float,
        word: Any,
        verb: Any | None,
        is_role: bool = False,
    ) -> RelationSpan:
        predicate, reversed_ = normalised(label)
        if reversed_:
            subject, obj = obj, subject
        negated, modality = (False, None) if verb is None else polarity(verb, self._lemma)
        negated = negated or (is_role and is_denied_noun(word)) or any(map(self._names.is_denied, (subject, obj)))
        time = self._times.of(word if verb is None else verb)
        when = Validity()
        if time is not None:
            said = None if verb is None or not is_role else self._lemma(verb, "VERB")
            when = validity(time, begins=said in BEGINNING)
            if said in ENDING:
                when = Validity(None, when.end)
        return RelationSpan(
            subject=subject,
            predicate=predicate,
            object=obj,
            start=min(subject.start, obj.start, word.idx),
            end=max(subject.end, obj.end, word.idx + len(word)),
            confidence=round(confidence * (MODAL if modality else 1.0), 3),
            negated=negated,
            modality=modality,
            time=time,
            valid_from=when.start,
            valid_until=when.end,
        )
