"""Spans of a sentence that may answer: names, dates, numbers, things in quotes, and noun phrases."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from reasoning.answering.gazetteer import COUNTRIES, NATIONALITIES, PERSON_TITLES, STATES
from reasoning.answering.values import dates_in, numbers_in
from reasoning.words import STOP_WORDS, Word, fold

NAME, DATE, NUMBER, QUOTED, PHRASE = "name", "date", "number", "quoted", "phrase"
MOST_WORDS = 8
"""Words of a name or a noun phrase."""
_CONNECTING_WORDS = "of the de la le von van der del di da du al bin and & for"
_EDGE_WORDS = "of the and & for in on to"
_QUOTED = re.compile(r"[\"\u201c]([^\"\u201c\u201d]{2,80})[\"\u201d]")
_JOINS_NAME = re.compile(r"\s+|-|\u2013|\.\s?|['\u2019]|\s&\s|\s?\"|\"\s?")
_OPENING_WORDS = """
    although another because besides despite first following founded he however later like many meanwhile named near
    none originally she since some their three today two under until unlike upon way well within without
"""
_VERB_WORDS = """
    became become began came died found founded gave got had held led left lived made married met moved played put
    ran released said served set stood took used went won works written wrote born known located called described
    including
"""
_CONNECTING = frozenset(_CONNECTING_WORDS.split())
_EDGE = frozenset(_EDGE_WORDS.split())
_NO_NAME_ALONE = STOP_WORDS | frozenset(_OPENING_WORDS.split())
_VERBS = frozenset(_VERB_WORDS.split())
_BEFORE_NAMES = PERSON_TITLES | NATIONALITIES


class Span(NamedTuple):
    """`text[start:end]` of a passage, and which of the five it is."""

    start: int
    end: int
    kind: str


def candidates(text: str, start: int, end: int, words: list[Word], *, phrases: bool) -> list[Span]:
    """Those of the sentence `text[start:end]`, whose words these are; spans may lie within each other."""
    sentence = text[start:end]
    dates = [Span(start + dated.start, start + dated.end, DATE) for dated in dates_in(sentence)]
    taken = [(span.start, span.end) for span in dates]
    numbers = [
        Span(start + counted.start, start + counted.end, NUMBER)
        for counted in numbers_in(sentence)
        if not _within(start + counted.start, start + counted.end, taken)
    ]
    quoted = [Span(start + match.start(1), start + match.end(1), QUOTED) for match in _QUOTED.finditer(sentence)]
    names = [span for span in _names(text, start, words) if not _within(span.start, span.end, taken)]
    found = [*dates, *numbers, *names, *quoted]
    if phrases:
        found += _phrases(text, words)
    seen: set[tuple[int, int]] = set()
    unique = []
    for span in found:
        if span.end > span.start and (span.start, span.end) not in seen:
            seen.add((span.start, span.end))
            unique.append(span)
    return unique


def _within(start: int, end: int, spans: list[tuple[int, int]]) -> bool:
    return any(first <= start and end <= last for first, last in spans)


def _names(text: str, sentence: int, words: list[Word]) -> Iterator[Span]:
    """Runs of capitalised words with what connects them; and their parts around a comma, a bracket and `and`."""
    index = 0
    while index < len(words):
        if not text[words[index].start].isupper():
            index += 1
            continue
        run = [index]
        further = index + 1
        while further < len(words):
            between = text[words[further - 1].end : words[further].start]
            if not _JOINS_NAME.fullmatch(between) or (
                between.startswith(".") and words[further - 1].end - words[further - 1].start > 3
            ):
                break
            if (
                (between == "-" and further - 1 == run[-1])
                or text[words[further].start].isupper()
                or (
                    text[words[further].start].isdigit()
                    and further - 1 == run[-1]
                    and not text[words[further].end : words[further].end + 2].startswith(",")
                )
            ):
                run.append(further)
            elif words[further].folded not in _CONNECTING and words[further].folded != "s":
                break
            further += 1
        yield from _parts(text, sentence, words, run)
        index = run[-1] + 1
        # "Columbus, Ohio": a place with the country or state that it lies in.
        if index < len(words) and text[words[run[-1]].end : words[index].start] == ", ":
            stop = next((stop for stop in (index + 1, index) if _is_land(text, words, index, stop)), None)
            if stop is not None:
                yield Span(words[run[0]].start, words[stop].end, NAME)


def _is_land(text: str, words: list[Word], first: int, last: int) -> bool:
    if last >= len(words):
        return False
    name = " ".join(word.folded for word in words[first : last + 1])
    return text[words[first].start].isupper() and (name in COUNTRIES or name in STATES)


def _parts(text: str, sentence: int, words: list[Word], run: list[int]) -> Iterator[Span]:
    first, last = run[0], run[-1]
    while first <= last and (words[first].folded in _NO_NAME_ALONE and words[first].start == sentence):
        first += 1
    if first > last or last - first >= MOST_WORDS + 4:
        return
    if not (first == last and words[first].folded in _NO_NAME_ALONE):
        yield _span(text, words, first, last)
    pieces = list(_between_small_words(text, words, first, last))
    # "Treaty of Rome and France" holds "Rome", "France" and "Rome and France".
    yield from (_span(text, words, *piece) for piece in pieces if piece != (first, last))
    yield from (_span(text, words, begin, last) for begin, _ in pieces[1:-1])
    for cut in range(first + 1, last):
        if words[cut].folded == "and":
            yield _span(text, words, first, cut - 1)
            yield _span(text, words, cut + 1, last)
    # "President Edmund Voss" holds "Edmund Voss".
    for begin, end in pieces:
        untitled = next((i for i in range(begin, end) if words[i].folded not in _BEFORE_NAMES), begin)
        if untitled > begin:
            yield _span(text, words, untitled, end)


def _between_small_words(text: str, words: list[Word], first: int, last: int) -> Iterator[tuple[int, int]]:
    begin = first
    for index in range(first, last + 1):
        if words[index].folded in _EDGE and text[words[index].start].islower():
            if begin < index:
                yield begin, index - 1
            begin = index + 1
    if begin <= last:
        yield begin, last


def _span(text: str, words: list[Word], first: int, last: int) -> Span:
    while last > first and words[last].folded in _EDGE and text[words[last].start].islower():
        last -= 1
    while first < last and words[first].folded in _EDGE and text[words[first].start].islower():
        first += 1
    end = words[last].end
    if text[end : end + 1] == "." and words[last].folded in {"jr", "sr"}:
        end += 1
    return Span(words[first].start, end, NAME)


def _phrases(text: str, words: list[Word]) -> Iterator[Span]:
    """Runs of plain words between small words, marks and common verbs, and their last words."""
    index = 0
    while index < len(words):
        if not _plain(words[index]):
            index += 1
            continue
        end = index
        while (
            end + 1 < len(words)
            and _plain(words[end + 1])
            and re.fullmatch(r"\s+|-", text[words[end].end : words[end + 1].start])
            and end - index < MOST_WORDS
        ):
            end += 1
        for first in range(index, end + 1):
            for last in {end, max(first, end - 1), first + 1 if first + 1 < end else end}:
                if any(text[words[i].start].islower() for i in range(first, last + 1)):
                    yield Span(words[first].start, words[last].end, PHRASE)
        index = end + 1


def _plain(word: Word) -> bool:
    return word.folded not in STOP_WORDS and word.folded not in _VERBS


def folded(text: str) -> tuple[str, ...]:
    """A candidate's words for comparison, without articles."""
    return tuple(word for word in re.findall(r"\w+", fold(text)) if word not in {"a", "an", "the"})
