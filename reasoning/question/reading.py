"""What a question asks for, and how near each of its words stands to that: plain rules over its words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reasoning.question.kinds import LIGHT, MEASURES, Kind, kind_of_noun
from reasoning.question.verbs import AUXILIARIES, BASE, BE, DO, RELATIVES, is_participle
from reasoning.words import QUESTION_WORDS, STOP_WORDS, Word, fold, stem, words_of

_PREPOSITION_WORDS = """
    about above across after along among around at before behind below beneath beside between beyond by during for from
    in inside into near of off on onto outside over per since through to toward under until upon via with within
"""
_DETERMINER_WORDS = "a an the this these those its his her their any some"
_CONNECTING_WORDS = "of the de la le von van der del di da"
_DETERMINERS = frozenset(_DETERMINER_WORDS.split())
_PREPOSITIONS = frozenset(_PREPOSITION_WORDS.split())
_CONNECTING = frozenset(_CONNECTING_WORDS.split())
_NOUN_ENDS = AUXILIARIES | _PREPOSITIONS | RELATIVES | {"and", "or"}
_NO_NAMES = (
    QUESTION_WORDS | AUXILIARIES | _DETERMINERS | _PREPOSITIONS | {"name", "besides", "both", "list", "there", "if"}
)
MOST_NOUN = 6
"""Words of the noun phrase after `which` and `what`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A question as it is understood.

    `noun` holds the words of what is asked for ("bollywood", "actress"), empty where none is said; the last one decides
    its kind. `depths` gives the step of each meaningful word, by stem: 0 is what is asked, 1 what it is asked of, and
    so on inwards; `heads` the noun of each step but the first. `names` are spans that name something. `options` are
    those of which one is asked for.
    """

    text: str
    kind: Kind
    noun: tuple[str, ...]
    depths: Mapping[str, int]
    names: tuple[tuple[int, int], ...]
    options: tuple[str, ...]
    heads: Mapping[int, str]

    @property
    def steps(self) -> int:
        """How many steps the question has."""
        return max(self.depths.values(), default=0) + 1

    def names_text(self) -> tuple[str, ...]:
        """What it names, as it names it."""
        return tuple(self.text[start:end] for start, end in self.names)


def read(question: str) -> Reading:
    """Every question has a reading; of one that is no English it is a search for a thing."""
    words = words_of(question)
    names = _names(question, words)
    options = _options(question, names)
    at = _asking(question, words)
    kind, noun, behind = _asked(question, words, at, options)
    depths, heads = _depths(question, words, at, behind, names)
    return Reading(question, kind, noun, depths, names, options, heads)


def _asking(question: str, words: list[Word]) -> int | None:
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
        behind = (index for index in found if folded[index - 1] in _PREPOSITIONS and folded[index] in {"which", "what"})
        return next(behind, None)
    if found[0] <= 1 or (found[0] == 2 and folded[0] in _PREPOSITIONS):
        return found[0]
    # One that asks ends the question, or has a noun behind it and a preposition or a verb before it.
    for index in reversed(found):
        word, last = folded[index], index == len(folded) - 1
        following = folded[index + 1] if not last else ""
        if word in {"what", "how", "why"} or last:
            return index
        if word == "which" and following not in AUXILIARIES and following not in _DETERMINERS:
            return index
        if word in {"who", "whom", "where", "when"} and question[words[index - 1].end : words[index].start].strip():
            return index  # after a comma or a full stop
    return found[0]


def _asked(
    question: str, words: list[Word], at: int | None, options: tuple[str, ...]
) -> tuple[Kind, tuple[str, ...], int]:
    """Kind, noun, and the index of the first word behind both."""
    folded = [word.folded for word in words]
    if at is None:
        if folded and folded[0] in AUXILIARIES:
            return (Kind.CHOICE if len(options) > 1 and folded[0] in BE and " or " in question else Kind.YES_NO), (), 1
        noun, behind = _noun(question, words, 1)
        return (kind_of_noun(noun[-1]) if noun else Kind.THING), noun, behind
    word = folded[at]
    following = folded[at + 1] if at + 1 < len(folded) else ""
    if word == "how" and following in {"many", "much"}:
        noun, behind = _noun(question, words, at + 2)
        return Kind.NUMBER, noun, behind
    if word == "how" and following in MEASURES:
        return Kind.NUMBER, (following,), at + 2
    noun, behind = (), at + 1
    if word in {"which", "what"}:
        noun, behind = _noun(question, words, at + 1)
        if not noun:
            noun, behind = _copula(question, words, at + 1)
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
        if defines and not any(word in _PREPOSITIONS or word in BASE for word in rest[1:])
        else Kind.THING
    )


def _noun(question: str, words: list[Word], start: int) -> tuple[tuple[str, ...], int]:
    """Words of a noun phrase that begins at `start`, without determiners; and the index behind it.

    `the name of the band` is a band.
    """
    noun: list[str] = []
    index = start
    while index < len(words) and len(noun) < MOST_NOUN:
        word = words[index].folded
        if index > start and re.search(r"[,;:?]", question[words[index - 1].end : words[index].start]):
            break
        if word in _DETERMINERS and not noun:
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
    """Whether a word behind a noun is a verb in the third person, as in `which society gives`."""
    return word.endswith("s") and (word[:-1] in BASE or word[:-2] in BASE) and not noun[-1].endswith("s")


def _copula(question: str, words: list[Word], start: int) -> tuple[tuple[str, ...], int]:
    """`What is the population of`: the noun behind the verb."""
    if start < len(words) and words[start].folded in BE and start + 1 < len(words):
        following = words[start + 1]
        if following.folded in _DETERMINERS:
            return _noun(question, words, start + 2)
        possessive = re.search(r"['\u2019]s\s+", question[following.start :])
        if possessive and question[following.start] != question[following.start].lower():
            behind = following.start + possessive.end()
            index = next((i for i, word in enumerate(words) if word.start >= behind), len(words))
            return _noun(question, words, index)[0], start + 1
    return (), start


def _depths(
    question: str, words: list[Word], at: int | None, behind: int, names: tuple[tuple[int, int], ...]
) -> tuple[dict[str, int], dict[int, str]]:
    """The step of each meaningful word, 0 for what is asked; and the noun of each further step."""
    if at is not None and at > 2 and at > len(words) // 3:
        depth = _before(question, words, at)
    else:
        depth = _after(question, words, at if at is not None else 0, behind)
    depths: dict[str, int] = {}
    heads: dict[int, str] = {}
    for index, word in enumerate(words):
        if word.folded in STOP_WORDS or index == at:
            continue
        root = stem(word.folded)
        depths[root] = min(depth[index], depths.get(root, depth[index]))
        if depth[index] > 0 and not any(start <= word.start < end for start, end in names):
            heads.setdefault(depth[index], _head(question, words, index, depth))
    return depths, heads


def _head(question: str, words: list[Word], index: int, depth: list[int]) -> str:
    """The last word of the noun phrase that begins there: `grunge band` is a band."""
    noun, _ = _noun(question, words, index)
    return (
        noun[-1] if noun and depth[min(index + len(noun) - 1, len(depth) - 1)] == depth[index] else words[index].folded
    )


def _after(question: str, words: list[Word], at: int, behind: int) -> list[int]:
    """Steps of a question that begins by asking: each relative clause, `of` and possessive leads one further in."""
    folded = [word.folded for word in words]
    main = _main_verb(folded, at, behind)
    depth = [0] * len(words)
    now = 0 if main is None else 1
    for index in range(behind, len(words)):
        word = folded[index]
        if index == main:
            now = 0
        elif _tells_of_noun(question, words, index, at, behind):
            now = _inwards(folded, depth, index, behind, now)
        elif index > behind and is_participle(word) and folded[index - 1] not in AUXILIARIES and index + 1 < len(words):
            now += folded[index - 1] not in RELATIVES and folded[index + 1] in _PREPOSITIONS
        depth[index] = now
    _possessives(question, words, depth, behind)
    return depth


def _tells_of_noun(question: str, words: list[Word], index: int, at: int, behind: int) -> bool:
    """Whether what tells of the noun before begins here: a relative clause, or `of`."""
    word, before = words[index].folded, words[index - 1].folded
    if word == "of":
        return before not in LIGHT
    if word in RELATIVES:
        return index > at + 1 and before not in AUXILIARIES
    return _names_clause(question, words, index, behind)


def _inwards(folded: list[str], depth: list[int], index: int, behind: int, now: int) -> int:
    """The step of what tells of a noun. Where more was asked before, the noun is of that step, too.

    So `the river in the country where`, `taught the painter of`: country and painter are to be found first.
    """
    back = index - 1
    if back > behind and folded[back] in _PREPOSITIONS:  # "in which", "under whom"
        back -= 1
    first = back
    while first > behind and folded[first] not in STOP_WORDS and folded[first - 1] not in STOP_WORDS | BASE:
        first -= 1
    asked = any(word not in STOP_WORDS for word in folded[behind:first])
    if now == 0 and asked and folded[back] not in STOP_WORDS:
        depth[first : back + 1] = [1] * (back + 1 - first)
        return 2 if folded[index] == "of" else 1
    return now + 1


def _names_clause(question: str, words: list[Word], index: int, behind: int) -> bool:
    """Whether a clause begins with a name behind a noun: `the city Sarah was born`."""
    if index <= behind + 1 or not question[words[index].start].isupper():
        return False
    if not question[words[index - 1].start].islower() or words[index - 2].folded not in _DETERMINERS:
        return False
    ahead = [word.folded for word in words[index + 1 : index + 5]]
    return words[index - 1].folded not in STOP_WORDS and any(
        word in AUXILIARIES or is_participle(word) for word in ahead
    )


def _main_verb(folded: list[str], at: int, behind: int) -> int | None:
    """Index of the verb that belongs to the auxiliary behind what is asked for: `where WAS the designer of it BORN`."""
    if behind >= len(folded) or folded[behind] not in AUXILIARIES:
        return None
    base = folded[behind] in DO
    for index in range(len(folded) - 1, behind + 1, -1):
        word, before = folded[index], folded[index - 1]
        free = before not in AUXILIARIES and before not in RELATIVES and before not in {"to", "and"} | _DETERMINERS
        if free and (word in BASE if base else is_participle(word)):
            ends = index == len(folded) - 1 or base or folded[index + 1] in _PREPOSITIONS
            return index if ends else None
    return None


def _possessives(question: str, words: list[Word], depth: list[int], behind: int) -> None:
    """A name before 's is one step further in than what it owns; that is a step of its own where more is asked."""
    for index, word in enumerate(words[:-1]):
        if re.match(r"['\u2019]s\b|s['\u2019](?=\s)", question[word.end : word.end + 2]):
            back = index
            while back >= 0 and (question[words[back].start].isupper() or words[back].folded in _CONNECTING):
                back -= 1
            asked = [
                word for at, word in enumerate(words[: back + 1]) if at >= behind and word.folded not in STOP_WORDS
            ]
            if depth[index + 1] == 0 and asked:
                owned = index + 1
                while owned < len(words) and words[owned].folded not in STOP_WORDS and depth[owned] == 0:
                    depth[owned] = 1
                    owned += 1
            for at in range(max(0, back + 1), index + 1):
                depth[at] = depth[index + 1] + 1


def _before(question: str, words: list[Word], at: int) -> list[int]:
    """Steps of a question that asks at its end, or in the middle: its own clause is asked, the rest is inwards."""
    depth = [1] * len(words)
    depth[at] = 0
    for index in range(at + 1, len(words)):
        if re.search(r"[,;]", question[words[index - 1].end : words[index].start]):
            break
        depth[index] = 0
    for index in range(at - 1, -1, -1):
        if re.search(r"[,;.]", question[words[index].end : words[index + 1].start]):
            break
        depth[index] = 0
        if words[index].folded in RELATIVES or at - index >= MOST_NOUN:
            break
    return depth


def _names(question: str, words: list[Word]) -> tuple[tuple[int, int], ...]:
    """Spans of what is written as a name: in quotes, or with capitals."""
    spans = [match.span(1) for match in re.finditer(r"[\"\u201c]([^\"\u201c\u201d]{2,80})[\"\u201d]", question)]
    quoted = list(spans)
    index = 0
    while index < len(words):
        if not _begins_name(question, words, index):
            index += 1
            continue
        end = index
        for further in range(index + 1, len(words)):
            between = question[words[further - 1].end : words[further].start]
            if not re.fullmatch(r"\s|-|\.\s?|['\u2019]|:\s|&|\s&\s", between):
                break
            if question[words[further].start].isupper() or words[further].folded.isdigit():
                end = further
            elif words[further].folded not in _CONNECTING:
                break
        span = words[index].start, words[end].end
        if not any(start < span[1] and span[0] < stop for start, stop in quoted):
            spans.append(span)
        index = end + 1
    return tuple(sorted(spans))


def _begins_name(question: str, words: list[Word], index: int) -> bool:
    word = words[index]
    return question[word.start].isupper() and not (index == 0 and word.folded in _NO_NAMES)


def _options(question: str, names: tuple[tuple[int, int], ...]) -> tuple[str, ...]:
    """The two names around `or`, where the question has such; also of `between A and B`."""
    for match in re.finditer(r"[,\s]\s*or\s+", question):
        before = [span for span in names if span[1] <= match.start() + 1 and match.start() - span[1] < 40]
        after = [span for span in names if span[0] >= match.end() - 1 and span[0] - match.end() < 40]
        if before and after:
            return question[slice(*before[-1])], question[slice(*after[0])]
    if fold(question).startswith("between ") and len(names) > 1:
        return question[slice(*names[0])], question[slice(*names[1])]
    return ()
