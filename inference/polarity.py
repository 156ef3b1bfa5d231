"""Whether a clause of a dependency parse is denied, and what makes it less than a plain statement."""

from collections.abc import Callable
from typing import Any, NamedTuple

Lemma = Callable[[Any, str], str]
"""The lemma of a token that is read as a VERB or a NOUN."""

DENYING = frozenset({"refuse", "fail", "decline", "deny", "avoid", "neglect", "forbid"})
"""What follows did not happen, or is said not to be so."""
IMPLYING = frozenset(
    {"begin", "start", "continue", "manage", "help", "use", "come", "get", "happen", "go", "let", "see"}
)
"""What follows, as an infinitive or participle, did happen. After any other verb it is wished, planned, asked..."""
KNOWING = frozenset(
    {"know", "show", "discover", "prove", "confirm", "reveal", "note", "realise", "realize", "remember"}
)
"""That what follows is so is taken for granted. After any other verb it is somebody's word."""
OPINIONS = frozenset({"think", "believe", "expect", "suppose", "imagine"})
"""Not to think that it is so is to think that it is not."""
DOUBTING = frozenset({
    "allegedly", "reportedly", "probably", "perhaps", "possibly", "maybe", "supposedly", "likely", "apparently",
    "presumably", "purportedly",
})  # fmt: skip
CONDITIONS = frozenset({"if", "unless", "whether", "lest"})
_NONE = frozenset({"nobody", "none", "nothing", "neither"})
_NO = frozenset({"no", "neither"})
_SUBJECTS = frozenset({"nsubj", "nsubjpass"})
_ARGUMENTS = frozenset({"nsubj", "nsubjpass", "attr", "dobj"})


class Polarity(NamedTuple):
    """`modality`: the word that makes it possible, wished, said or conditional; None for a plain statement."""

    negated: bool = False
    modality: str | None = None


def polarity(verb: Any, lemma: Lemma) -> Polarity:
    """Of a clause, by its own words and by the clauses that it is part of."""
    negated, modality = _is_denied(verb), _modal(verb)
    for _ in range(len(verb.doc)):
        governor, relation = verb.head, verb.dep_
        if relation == "conj":
            own_subject = any(child.dep_ in _SUBJECTS for child in verb.children)
            if not own_subject:
                modality = modality or _modal(governor)
                negated = negated or (_joined_by_or(governor) and _is_denied(governor))
        elif relation in {"xcomp", "ccomp"}:
            word = lemma(governor, "VERB")
            if word in DENYING:
                negated = not negated
            elif word not in KNOWING and not (relation == "xcomp" and word in IMPLYING):
                modality = modality or word
            if _is_denied(governor):
                if relation == "xcomp" or word in OPINIONS:
                    negated = not negated
                else:
                    modality = modality or word
            modality = modality or _modal(governor)
        elif relation == "advcl":
            words = {child.lower_ for child in verb.children if child.dep_ in {"mark", "aux"}}
            modality = modality or next((word for word in sorted(words) if word in CONDITIONS or word == "to"), None)
            return Polarity(negated, modality)
        elif relation == "pcomp" and governor.lower_ == "without":
            return Polarity(not negated, modality)
        else:
            break
        verb = governor
    return Polarity(negated, modality)


def _is_denied(verb: Any) -> bool:
    for child in verb.children:
        if child.dep_ == "neg" and child.i + 1 < len(child.doc) and child.nbor().lower_ != "only":
            return True
        if child.dep_ == "advmod" and (child.lower_ == "never" or any(word.dep_ == "neg" for word in child.children)):
            return True
        if child.dep_ in _ARGUMENTS:
            if child.lower_ in _NONE:
                return True
            if any(word.lower_ in _NO and word.dep_ in {"det", "preconj", "cc"} for word in child.children):
                return True
    return False


def _modal(verb: Any) -> str | None:
    for child in verb.children:
        if child.dep_ == "aux" and child.tag_ == "MD":
            word = str(child.lower_)
            return {
                "'ll": "will",
                "\u2019ll": "will",
                "'d": "would",
                "\u2019d": "would",
                "ca": "can",
                "wo": "will",
            }.get(word, word)
        if child.dep_ == "advmod" and child.lower_ in DOUBTING:
            return str(child.lower_)
        if child.lower_ == "according" and child.dep_ in {"prep", "advmod"}:
            return "according to"
    return None


def _joined_by_or(verb: Any) -> bool:
    return any(child.dep_ == "cc" and child.lower_ in {"or", "nor"} for child in verb.children)
