"""Subject, predicate, object from a dependency parse (Universal-like labels of spaCy's English models)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from inference.analysis import EntitySpan, NameSpan, RelationSpan

# How sure a pattern is: the parser finds objects about nine times in ten, attaches prepositions less well.
DIRECT, PREPOSITIONAL, COPULA, AGENT = 0.8, 0.6, 0.7, 0.75
RESOLVED = 0.6
"""Factor for a subject that was a pronoun, taken to mean what the passage is about."""
PRONOUNS = frozenset({"he", "she", "it", "they"})


class Names:
    """Which tokens belong to which named span."""

    def __init__(self, parsed: Any, entities: Sequence[EntitySpan]) -> None:
        self._of: dict[int, NameSpan] = {}
        for entity in entities:
            span = parsed.char_span(entity.start, entity.end, alignment_mode="expand")
            for token in span if span is not None else ():
                self._of.setdefault(token.i, NameSpan(entity.start, entity.end, entity.name))

    def at(self, token: Any) -> NameSpan | None:
        """The name that `token` heads or is part of."""
        return self._of.get(token.i)


def first_subject(parsed: Any, names: Names) -> str | None:
    """The named subject of the first sentence: what the text is most likely about."""
    for sentence in parsed.sents:
        for token in sentence:
            if token.dep_ in {"nsubj", "nsubjpass"} and token.head == sentence.root:
                named = names.at(token)
                return named.name if named is not None else None
        return None
    return None


def relations_of(
    parsed: Any, names: Names, subject_of_text: str | None, lemma: Callable[[Any], str]
) -> Iterator[RelationSpan]:
    """Every statement in which both sides have names."""
    for verb in parsed:
        if not verb.tag_.startswith("VB"):
            continue
        subjects = list(_subjects(verb, names, subject_of_text))
        if not subjects:
            continue
        for predicate, token, confidence in _objects(verb, lemma):
            for obj in _named(token, names):
                for subject, factor in subjects:
                    if subject.name != obj.name:
                        yield RelationSpan(
                            subject=subject,
                            predicate=predicate,
                            object=obj,
                            start=min(subject.start, obj.start, verb.idx),
                            end=max(subject.end, obj.end, verb.idx + len(verb)),
                            confidence=round(confidence * factor, 3),
                        )


def _subjects(verb: Any, names: Names, subject_of_text: str | None) -> Iterator[tuple[NameSpan, float]]:
    bearer = verb
    # "was born and died": a conjoined verb shares the first one's subject.
    while bearer.dep_ == "conj" and not any(child.dep_.startswith("nsubj") for child in bearer.children):
        bearer = bearer.head
    for child in bearer.children:
        if child.dep_ not in {"nsubj", "nsubjpass"}:
            continue
        if child.lower_ in PRONOUNS and subject_of_text is not None:
            yield NameSpan(child.idx, child.idx + len(child), subject_of_text), RESOLVED
        else:
            for named in _named(child, names):
                yield named, 1.0


def _objects(verb: Any, lemma: Callable[[Any], str]) -> Iterator[tuple[str, Any, float]]:
    """(predicate, token of the object, confidence) for each pattern."""
    word = lemma(verb)
    for child in verb.children:
        if child.dep_ in {"dobj", "dative", "oprd"}:
            yield word, child, DIRECT
            yield from _through_prepositions(f"{word} {child.lower_}", child)
        elif child.dep_ == "attr":
            yield word, child, COPULA
            yield from _through_prepositions(f"{word} {child.lower_}", child)
        elif child.dep_ == "agent":
            for obj in child.children:
                if obj.dep_ == "pobj":
                    yield f"{word} by", obj, AGENT
        elif child.dep_ == "prep":
            yield from _preposition(word, child)


def _through_prepositions(predicate: str, noun: Any) -> Iterator[tuple[str, Any, float]]:
    """ "is the capital of X": what the noun's own prepositions lead to."""
    for child in noun.children:
        if child.dep_ == "prep":
            yield from _preposition(predicate, child)


def _preposition(predicate: str, preposition: Any) -> Iterator[tuple[str, Any, float]]:
    for obj in preposition.children:
        if obj.dep_ == "pobj":
            yield f"{predicate} {preposition.lower_}", obj, PREPOSITIONAL
            # "in Lisse on the coast of Morvane" stays with its first place; "of" leads on.
            for deeper in obj.children:
                if deeper.dep_ == "prep" and deeper.lower_ == "of":
                    yield from _preposition(f"{predicate} {preposition.lower_} {obj.lower_}", deeper)


def _named(token: Any, names: Names) -> Iterator[NameSpan]:
    """The name at `token`, and those of what is joined to it by and, or, or a comma."""
    named = names.at(token)
    if named is not None:
        yield named
    for child in token.children:
        if child.dep_ in {"conj", "appos"}:
            yield from _named(child, names)
