"""How near each word of a question stands to what is asked: the steps of the question, from its clauses."""

import re

from reasoning.question.kinds import LIGHT, Kind, kind_of_noun
from reasoning.question.nouns import CONNECTING, DETERMINERS, MOST_NOUN, PREPOSITIONS, head_of
from reasoning.question.verbs import AUXILIARIES, BASE, BE, DO, RELATIVES, is_participle, is_verb
from reasoning.words import STOP_WORDS, Word, stem

_BEGINNINGS = frozenset({"birth", "death", "origin", "citizenship", "residence"})
"""Behind `of` they tell which city or country is meant, not of what: `city of birth`."""


def depths_of(
    question: str, words: list[Word], at: int | None, behind: int, names: tuple[tuple[int, int], ...]
) -> tuple[dict[str, int], dict[int, str], tuple[tuple[int, int], ...]]:
    """The step of each meaningful word, 0 for what is asked; the noun of each further step; names within the first."""
    if at is not None and at > 2 and at > len(words) // 3:
        depth, told = _before(question, words, at), list[int]()
    else:
        depth, told = _after(question, words, at if at is not None else 0, behind)
    depths: dict[str, int] = {}
    heads: dict[int, str] = {}
    for index, word in enumerate(words):
        if word.folded in STOP_WORDS or index == at:
            continue
        root = stem(word.folded)
        depths[root] = min(depth[index], depths.get(root, depth[index]))
        if depth[index] > 0 and not word.folded[0].isdigit() and not _of_name(question, word, names):
            heads.setdefault(depth[index], head_of(question, words, index, depth, names))
    for index in reversed(told):
        word = words[index]
        if depth[index] > 0 and word.folded not in STOP_WORDS and not _of_name(question, word, names):
            heads[depth[index]] = word.folded
    return depths, heads, _beside(question, words, depth, told, names) if heads else ()


def _beside(
    question: str, words: list[Word], depth: list[int], told: list[int], names: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int], ...]:
    """Names that what is asked is said of, beside its next step: `When did ADMIRAL TWIN open in the city where`."""
    inner = next((words[index].start for index in told if depth[index] > 0), 0)
    found = []
    for start, end in names:
        step = max((depth[index] for index, word in enumerate(words) if start <= word.start < end), default=0)
        owns = re.match(r"['\u2019]s?\b", question[end : end + 2]) is not None
        if step == 0 or (step == 1 and end <= inner and not owns):
            found.append((start, end))
    return tuple(found)


def _of_name(question: str, word: Word, names: tuple[tuple[int, int], ...]) -> bool:
    """Whether a word belongs to a name, or tells of it as in `Gila monsters`; who is told of is another one."""
    return any(
        start <= word.start < end
        or (
            end < word.start and not question[end : word.start].strip() and kind_of_noun(word.folded) is not Kind.PERSON
        )
        for start, end in names
    ) and not is_verb(word.folded)


def _after(question: str, words: list[Word], at: int, behind: int) -> tuple[list[int], list[int]]:
    """Steps of a question that begins by asking: each relative clause, `of` and possessive leads one further in.

    And which words are nouns that such a clause tells of.
    """
    folded = [word.folded for word in words]
    main = _main_verb(folded, at, behind)
    depth = [0] * len(words)
    now = 0 if main is None else 1
    # "What is the waterfall in the country where", but not "Which city is the capital of"
    noun = behind > at + 1 and not (folded[behind : behind + 1] and folded[behind] in BE and not _placed(folded, at))
    told = []
    for index in range(behind, len(words)):
        word = folded[index]
        if index == main:
            now = 0
        elif _tells_of_noun(question, words, index, at, behind):
            now = _inwards(folded, depth, index, behind, now, main, noun=noun)
            back = index - 2 if folded[index - 1] in PREPOSITIONS | DETERMINERS else index - 1
            told.append(back - 2 if folded[back] in _BEGINNINGS and folded[back - 1] == "of" else back)
        elif index > behind and is_participle(word) and folded[index - 1] not in AUXILIARIES and index + 1 < len(words):
            now += folded[index - 1] not in RELATIVES and folded[index + 1] in PREPOSITIONS
        depth[index] = now
    _possessives(question, words, depth, behind, noun=noun)
    return depth, told


def _placed(folded: list[str], at: int) -> bool:
    """Whether what is asked for stands behind a preposition: `in which city`, `which city is he a citizen of`."""
    return (at > 0 and folded[at - 1] in PREPOSITIONS) or folded[-1] in PREPOSITIONS


def _tells_of_noun(question: str, words: list[Word], index: int, at: int, behind: int) -> bool:
    """Whether what tells of the noun before begins here: a relative clause, or `of`."""
    word, before = words[index].folded, words[index - 1].folded
    if word == "of":
        following = words[index + 1].folded if index + 1 < len(words) else ""
        return before not in LIGHT and following not in _BEGINNINGS
    if word in RELATIVES:
        return index > at + 1 and before not in AUXILIARIES
    return _names_clause(question, words, index, behind)


def _inwards(
    folded: list[str], depth: list[int], index: int, behind: int, now: int, main: int | None, *, noun: bool
) -> int:
    """The step of what tells of a noun. Where more was asked before, the noun is of that step, too.

    So `the river in the country where`, `taught the painter of`: country and painter are to be found first.
    """
    back = index - 1
    if back > behind and folded[back] in PREPOSITIONS:  # "in which", "under whom"
        back -= 1
    if back == main:  # it tells of what was named before: "Where did the band form that made it"
        return 1
    first = back
    while first > behind and folded[first] not in STOP_WORDS and folded[first - 1] not in STOP_WORDS | BASE:
        first -= 1
    asked = any(word not in STOP_WORDS for word in folded[behind:first]) or (noun and first > behind)
    if now == 0 and asked and folded[back] not in STOP_WORDS:
        depth[first : back + 1] = [1] * (back + 1 - first)
        return 2 if folded[index] == "of" else 1
    return now + 1


def _names_clause(question: str, words: list[Word], index: int, behind: int) -> bool:
    """Whether a clause begins with a name behind a noun: `the city Sarah was born`."""
    if index <= behind + 1 or not question[words[index].start].isupper():
        return False
    if words[index - 1].folded in DETERMINERS:
        index -= 1
    if not question[words[index - 1].start].islower() or words[index - 2].folded not in DETERMINERS:
        return False
    ahead = [word.folded for word in words[index + 1 : index + 5]]
    return words[index - 1].folded not in STOP_WORDS and any(word in AUXILIARIES or is_verb(word) for word in ahead)


def _main_verb(folded: list[str], at: int, behind: int) -> int | None:
    """Index of the verb that belongs to the auxiliary behind what is asked for: `where WAS the designer of it BORN`."""
    if behind + 1 >= len(folded) or folded[behind] not in AUXILIARIES or folded[behind + 1] in PREPOSITIONS:
        return None
    base = folded[behind] in DO
    for index in range(len(folded) - 1, behind + 1, -1):
        word, before = folded[index], folded[index - 1]
        free = before not in AUXILIARIES and before not in RELATIVES and before not in {"to", "and"} | DETERMINERS
        if word == "last" and index < len(folded) - 1:  # "last year"
            continue
        if free and (word in BASE if base else is_participle(word)):
            ends = index == len(folded) - 1 or base or folded[index + 1] in PREPOSITIONS
            return index if ends else None
    return None


def _possessives(question: str, words: list[Word], depth: list[int], behind: int, *, noun: bool) -> None:
    """A name before 's is one step further in than what it owns; that is a step of its own where more is asked."""
    for index, word in enumerate(words[:-1]):
        if re.match(r"['\u2019]s\b|s['\u2019](?=\s)", question[word.end : word.end + 2]):
            back = index
            while back >= 0 and (question[words[back].start].isupper() or words[back].folded in CONNECTING):
                back -= 1
            asked = [
                word for at, word in enumerate(words[: back + 1]) if at >= behind and word.folded not in STOP_WORDS
            ]
            if depth[index + 1] == 0 and (asked or (noun and back + 1 > behind)):
                owned = index + 1
                while owned < len(words) and words[owned].folded not in STOP_WORDS and depth[owned] == 0:
                    depth[owned] = 1
                    owned += 1
                if [word.folded in _BEGINNINGS for word in words[owned + 1 : owned + 2]] == [True]:  # "city of birth"
                    depth[owned + 1] = 1
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
