"""Who acts, or is acted on, in each clause of a dependency parse: also in relative, shared and shortened ones."""

from collections.abc import Iterator
from typing import Any

from inference.analysis import NameSpan
from inference.names import Names

Subject = tuple[NameSpan, float]
"""A name, and how sure it is that the clause is of it."""

RESOLVED = 0.6
"""Factor for a subject that was a pronoun, taken to mean what the passage is about."""
RELATIVE = 0.9
PRONOUNS = frozenset({"he", "she", "it", "they"})
WH = frozenset({"WP", "WDT"})
COPULAS = frozenset({"be", "is", "are", "was", "were", "been", "being", "'s", "become", "becomes", "became", "becoming",
                     "remain", "remains", "remained"})  # fmt: skip
SUBJECTS = frozenset({"nsubj", "nsubjpass"})
_PLURALS_LIKE_VERBS = frozenset({"NNS", "NN"})
_ADJUNCTS = frozenset({"after", "before", "by", "in", "while", "since", "upon", "on", "without"})
"""`after leaving X`: who left is who does what the clause says."""


def is_verb(token: Any) -> bool:
    """Whether a clause is built on it, also where the tagger took `exports` for a plural."""
    if token.tag_.startswith("VB"):
        return True
    return (
        token.tag_ in _PLURALS_LIKE_VERBS
        and token.dep_ in {"ROOT", "ccomp", "conj"}
        and any(child.dep_ in SUBJECTS for child in token.children)
    )


def is_passive(verb: Any) -> bool:
    """Whether its subject is who it is done to."""
    dependents = {child.dep_ for child in verb.children}
    if not dependents.isdisjoint({"nsubjpass", "auxpass"}):
        return True
    if verb.tag_ != "VBN" or not dependents.isdisjoint({"nsubj", "aux"}):
        return False
    if verb.dep_ == "conj":
        return is_verb(verb.head) and is_passive(verb.head)
    return verb.dep_ in {"acl", "advcl", "acomp"}


class Subjects:
    """Of the clauses of one text."""

    def __init__(self, names: Names, subject_of_text: str | None) -> None:
        self._names = names
        self._subject_of_text = subject_of_text

    def of(self, verb: Any, depth: int = 0) -> list[Subject]:
        """Its own, or those of the clause that it shares them with."""
        own = [child for child in verb.children if child.dep_ in SUBJECTS]
        if own:
            return [one for child in own for one in self._own(verb, child, depth)]
        if depth > 8:
            return []
        head = verb.head
        match verb.dep_:
            case "conj" | "advcl" if is_verb(head) and (verb.dep_ == "conj" or verb.tag_ in {"VBG", "VBN", "VB"}):
                return self.of(head, depth + 1)
            case "xcomp" if is_verb(head):
                controlled = [name for child in head.children if child.dep_ == "dobj" for name in self._names.of(child)]
                return [(name, 1.0) for name in controlled] or self.of(head, depth + 1)
            case "acl" if verb.tag_ in {"VBN", "VBG"}:
                return [(name, RELATIVE) for name in self.referents(head, depth + 1)]
            case "acomp" if is_verb(head):
                return self.of(head, depth + 1)
            case "pcomp" if head.lower_ in _ADJUNCTS and is_verb(head.head):
                return self.of(head.head, depth + 1)
            case _:
                return []

    def _own(self, verb: Any, child: Any, depth: int) -> Iterator[Subject]:
        if child.tag_ in WH:
            if verb.dep_ == "relcl":
                for name in self.referents(verb.head, depth + 1):
                    yield name, RELATIVE
        elif child.lower_ in PRONOUNS:
            if self._subject_of_text is not None:
                yield NameSpan(child.idx, child.idx + len(child), self._subject_of_text), RESOLVED
        else:
            for name in self._names.of(child):
                yield name, 1.0

    def referents(self, noun: Any, depth: int = 0) -> list[NameSpan]:
        """The names of what a noun stands for: `the man` in `the man who... was X`, or in `X, the man who...`."""
        own = list(self._names.of(noun))
        if own or depth > 8:
            return own
        verb = noun.head
        if noun.dep_ == "appos":
            named = self._names.at(verb)
            return [] if named is None else [named]
        if verb.lower_ in COPULAS:
            if noun.dep_ == "attr":
                return [name for name, _ in self.of(verb, depth + 1)]
            if noun.dep_ == "nsubj":
                return [name for child in verb.children if child.dep_ == "attr" for name in self._names.of(child)]
        return []

    def antecedents(self, token: Any) -> list[NameSpan]:
        """What a relative pronoun in the clause of `token` stands for."""
        for _ in range(len(token.doc)):
            if token.dep_ == "relcl":
                return self.referents(token.head)
            if token.head.i == token.i:
                break
            token = token.head
        return []
