"""Whether a clause of a dependency parse is denied, and what makes it less than a plain statement."""

from collections.abc import Callable
from typing import Any, NamedTuple

from inference.subjects import SUBJECTS

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
    "presumably", "purportedly", "hardly", "scarcely", "almost", "nearly",
})  # fmt: skip
FALSE = frozenset({"false", "untrue", "wrong", "incorrect"})
"""It is false that X founded Y."""
CONDITIONS = frozenset({"if", "unless", "whether", "lest"})
_NONE = frozenset({"nobody", "none", "nothing", "neither"})
_NO = frozenset({"no", "neither"})
_ARGUMENTS = SUBJECTS | {"attr", "dobj"}


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
            own_subject = any(child.dep_ in SUBJECTS for child in verb.children)
            negated = negated or _joined_by(governor, {"nor"})
            if not own_subject:
                modality = modality or _modal(governor)
                negated = negated or (_joined_by(governor, {"or"}) and _is_denied(governor))
        elif relation in {"xcomp", "ccomp"}:
            word = lemma(governor, "VERB")
            if word in DENYING:
                negated = not negated
            elif word not in KNOWING and not (relation == "xcomp" and word in IMPLYING):
                modality = modality or word
            if _is_denied(governor):
                if relation == "xcomp" or word in OPINIONS or word == "be":
                    negated = not negated
                else:
                    modality = modality or word
            if any(child.dep_ == "acomp" and child.lower_ in FALSE for child in governor.children):
                negated = not negated
            modality = modality or _modal(governor)
        elif _is_content(verb):
            # The claim that X founded Y; no proof that X founded Y.
            if any(child.lower_ in _NO for child in governor.children):
                negated = not negated
            elif governor.lower_ != "fact":
                modality = modality or str(governor.lower_)
            break
        elif relation == "advcl":
            if _is_inverted(verb):
                modality = modality or "if"
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
        if child.lower_ == "neither" and child.dep_ in {"preconj", "cc", "advmod"}:
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


def _joined_by(word: Any, conjunctions: frozenset[str] | set[str]) -> bool:
    return any(child.dep_ == "cc" and child.lower_ in conjunctions for child in word.children)


def is_denied_noun(noun: Any) -> bool:
    """`no member of X`, `not the owner of X`, `neither the founder of X nor the owner of Y`."""
    for child in noun.children:
        if child.dep_ in {"det", "neg", "preconj"} and child.lower_ in {"no", "not", "never", "neither"}:
            return bool(child.i + 1 >= len(child.doc) or child.nbor().lower_ != "only")
    return noun.dep_ == "conj" and _joined_by(noun.head, {"nor"})


def _is_content(verb: Any) -> bool:
    """Whether a clause behind a noun says what that is: `the claim that X founded Y`, which has all its own objects."""
    if verb.dep_ == "acl":
        return any(child.dep_ == "mark" for child in verb.children)
    objects = [child for child in verb.children if child.dep_ == "dobj"]
    return verb.dep_ == "relcl" and len(objects) > 1 and any(child.tag_ == "WDT" for child in objects)


def _is_inverted(verb: Any) -> bool:
    """`Had X founded Y, ...` is `if X had founded Y`."""
    subject = next((child.i for child in verb.children if child.dep_ in SUBJECTS), -1)
    return any(child.dep_ == "aux" and child.lower_ in {"had", "were"} and child.i < subject for child in verb.children)
