"""Noun phrases of a question: where one begins and ends, and which word of it is its noun."""

import re

from reasoning.question.kinds import LIGHT, singular
from reasoning.question.verbs import AUXILIARIES, BASE, BE, RELATIVES, is_participle
from reasoning.words import Word

_PREPOSITION_WORDS = """
    about above across after along among around at before behind below beneath beside between beyond by during for from
    in inside into near of off on onto outside over per since through to toward under until upon via with within
"""
_DETERMINER_WORDS = "a an the this these those its his her their any some"
_CONNECTING_WORDS = "of for the de la le von van der del di da"
DETERMINERS = frozenset(_DETERMINER_WORDS.split())
PREPOSITIONS = frozenset(_PREPOSITION_WORDS.split())
CONNECTING = frozenset(_CONNECTING_WORDS.split())
"""Small words within a name."""
_NOUN_ENDS = AUXILIARIES | PREPOSITIONS | RELATIVES | {"and", "or"}
MOST_NOUN = 6
"""Words of the noun phrase after `which` and `what`."""


def noun_phrase(question: str, words: list[Word], start: int) -> tuple[tuple[str, ...], int]:
    """Words of a noun phrase that begins at `start`, without determiners; and the index behind it.

    `the name of the band` is a band.
    """
    noun: list[str] = []
    index = start
    while index < len(words) and len(noun) < MOST_NOUN:
        word = words[index].folded
        if index > start and re.search(r"[,;:?]", question[words[index - 1].end : words[index].start]):
            break
        if word in DETERMINERS and not noun:
            index += 1
            continue
        if word == "of" and noun and noun[-1] in LIGHT:
            noun = []
            index += 1
            continue
        ends = is_participle(word) or _inflected(word, noun) if noun else word.endswith("ed") and is_participle(word)
        if word in _NOUN_ENDS or ends:
            break
        noun.append(word)
        index += 1
    while len(noun) > 1 and noun[-1].endswith("ly"):
        noun.pop()
    return tuple(noun), index


def _inflected(word: str, noun: list[str]) -> bool:
    """Whether a word behind a noun is a verb of it, as in `which society gives` and `the country containing`."""
    if word in BASE and singular(noun[-1]) != noun[-1]:  # "which towns lie"
        return True
    if word.endswith("ing") and (word[:-3] in BASE or f"{word[:-3]}e" in BASE):
        return True
    return word.endswith("s") and (word[:-1] in BASE or word[:-2] in BASE) and not noun[-1].endswith("s")


def behind_copula(question: str, words: list[Word], start: int) -> tuple[tuple[str, ...], int]:
    """`What is the population of`: the noun behind the verb."""
    if start < len(words) and words[start].folded in BE and start + 1 < len(words):
        following = words[start + 1]
        if following.folded in DETERMINERS:
            return noun_phrase(question, words, start + 2)
        possessive = re.search(r"['\u2019]s\s+", question[following.start :])
        if possessive and question[following.start] != question[following.start].lower():
            behind = following.start + possessive.end()
            index = next((i for i, word in enumerate(words) if word.start >= behind), len(words))
            return noun_phrase(question, words, index)[0], start + 1
    return (), start


def head_of(question: str, words: list[Word], index: int, depth: list[int], names: tuple[tuple[int, int], ...]) -> str:
    """The last word of the noun phrase that begins there, before any name: `grunge band` is a band."""
    noun, _ = noun_phrase(question, words, index)
    last = index
    while last + 1 < index + len(noun) and words[last + 1].folded == noun[last + 1 - index]:
        if depth[last + 1] != depth[index] or any(start <= words[last + 1].start < end for start, end in names):
            break
        last += 1
    return words[last].folded
