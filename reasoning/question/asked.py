"""Which word of a question asks, and for what kind of thing."""

from reasoning.question.kinds import MEASURES, Kind, kind_of_noun
from reasoning.question.nouns import DETERMINERS, PREPOSITIONS, behind_copula, noun_phrase
from reasoning.question.verbs import AUXILIARIES, BASE, BE, is_participle
from reasoning.words import QUESTION_WORDS, Word


def asking_word(question: str, words: list[Word]) -> int | None:
    """Index of the word that asks; None where the question begins with a verb, or has no such word."""
    folded = [word.folded for word in words]
    found = [
        index
        for index, word in enumerate(folded)
        if word in QUESTION_WORDS and not (word == "how" and folded[index + 1 : index + 2] == ["to"])
    ]
    if not found:
        return None
    if folded[0] in AUXILIARIES:
        behind = (index for index in found if folded[index - 1] in PREPOSITIONS and folded[index] in {"which", "what"})
        return next(behind, None)
    if found[0] <= 1 or (found[0] == 2 and folded[0] in PREPOSITIONS):
        return found[0]
    # One that asks ends the question, or has a noun behind it and a preposition or a verb before it.
    for index in reversed(found):
        word, last = folded[index], index == len(folded) - 1
        following = folded[index + 1] if not last else ""
        if word in {"what", "how", "why"} or last:
            return index
        if word == "which" and following not in AUXILIARIES and following not in DETERMINERS:
            return index
        if word in {"who", "whom", "where", "when"} and question[words[index - 1].end : words[index].start].strip():
            return index  # after a comma or a full stop
    return found[0]


def asked_for(
    question: str, words: list[Word], at: int | None, options: tuple[str, ...]
) -> tuple[Kind, tuple[str, ...], int]:
    """Kind, noun, and the index of the first word behind both."""
    folded = [word.folded for word in words]
    if at is None:
        if folded and folded[0] in AUXILIARIES:
            return (Kind.CHOICE if len(options) > 1 and folded[0] in BE and " or " in question else Kind.YES_NO), (), 1
        noun, behind = noun_phrase(question, words, 1)
        return (kind_of_noun(noun[-1]) if noun else Kind.THING), noun, behind
    word = folded[at]
    following = folded[at + 1] if at + 1 < len(folded) else ""
    if word == "how" and following in {"many", "much"}:
        noun, behind = noun_phrase(question, words, at + 2)
        return Kind.NUMBER, noun, behind
    if word == "how" and following in MEASURES:
        return Kind.NUMBER, (following,), at + 2
    noun, behind = (), at + 1
    if word in {"which", "what"}:
        noun, behind = noun_phrase(question, words, at + 1)
        if not noun:
            noun, behind = behind_copula(question, words, at + 1)
    elif word in {"who", "where"} and following in BE:
        noun, behind = (), at + 1
    if len(options) > 1 and (word in {"which", "who", "what"}):
        return Kind.CHOICE, noun, behind
    if word in {"who", "whom", "whose"}:
        return Kind.PERSON, noun, behind
    if word in {"where", "when"}:
        return (Kind.LOCATION if word == "where" else Kind.TIME), noun, behind
    if word in {"how", "why"} or not noun:
        return _without_noun(folded, at), noun, behind
    plural = noun[-1].endswith("s") and not noun[-1].endswith("ss") and kind_of_noun(noun[-1]) is Kind.PERSON
    return (Kind.LIST if plural else kind_of_noun(noun[-1])), noun, behind


def _without_noun(folded: list[str], at: int) -> Kind:
    """`What is X?` asks what it is, anything else for a thing."""
    rest = folded[at + 1 :]
    defines = folded[at] == "what" and len(rest) > 1 and rest[0] in BE and not any(map(is_participle, rest[1:]))
    return (
        Kind.DEFINITION
        if defines and not any(word in PREPOSITIONS or word in BASE for word in rest[1:])
        else Kind.THING
    )
