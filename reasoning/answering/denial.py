"""Whether a sentence denies what is asked, or tells it as possible, wished or as somebody's word: by its words alone.

`inference/polarity.py` reads the same from a parse, which an answer has no time for. English; of other texts nothing is
taken for denied.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from inference.polarity import CONDITIONS, DOUBTING, FALSE
from reasoning.answering.evidence import Evidence, Sentence
from reasoning.answering.judged import Judged
from reasoning.answering.question_words import speaks
from reasoning.question.reading import Reading
from reasoning.question.verbs import is_verb
from reasoning.words import STOP_WORDS, Word, stem, words_of

VERB_NEAR, SPAN_NEAR = 6, 4
"""Words from a negation to the word that it denies, at most: to one that tells what is asked, and to a span."""
MOST_WORDS = 8
"""Words of a sentence that tell what is asked and are looked at: no sentence of a person has more."""
DOUBTED = 0.5
"""No answer is surer than this whose sentence only tells that it may be so, or that somebody says so."""

_NOT = re.compile(
    r"\b(?:not|never|neither|nor|no|none|nobody|nothing|without|cannot)\b|n['\u2019]t\b"
    r"|\b(?:instead of|rather than|unlike)\b",
    re.IGNORECASE,
)
_NO_DENIAL = re.compile(
    r"\s+(?:only|just|merely|simply|least|until|later|earlier|sooner|long|more|less|fewer|far|doubt"
    r"|(?:the )?(?:first|last|sole|oldest|youngest))\b|.*\b(?:until|till)\b",
    re.IGNORECASE | re.DOTALL,
)
"""Behind a negation: what it then says is so, as in `not only`, `not until 1931` and `not the first to`."""
_NOT_THAT = re.compile(
    r"\W*(?:(?:but|and|though|yet)\s+)?(?:not|never|rather than|instead of|unlike)\s+"
    r"(?:(?:by|of|in|on|at|for|the|an?)\s+){0,2}",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[;:(),\u2013\u2014]|\b(?:and|but|because|although|though|while|whereas|when|where|which|who|whom|whose|that)\b"
)
_CONTRAST = re.compile(r";|\b(?:but|rather|instead)\b")
# Up to some words of one clause, at the end of what stands before a word.
_FEW = r"(?:(?!(?:and|but|who|which|when|because)\b)[\w.'\u2019-]+\s+)"
_REFUSED = re.compile(
    r"\b(?:refus\w+|fail\w*|declin\w+|neglect\w*|forb[ai]d\w*)\s+(?:\w+\s+)?to\s+(?:\w+\s+){0,2}$"
    rf"|\bden(?:y|ies|ied|ying)\s+(?:that|he|she|it|they|having|ever)\s+{_FEW}{{0,6}}$"
    r"|\b(?<!is )(?<!was )(?<!were )(?<!been )(?:den(?:y|ies|ied|ying)|avoid\w*)\s+$"
    rf"|\b(?:{'|'.join(sorted(FALSE))})\s+(?:to say\s+)?that\s+{_FEW}{{0,6}}$"
    rf"|\bit\s+(?:was|is)\s+not\s+(?!until\b|only\b|just\b){_FEW}{{1,6}}(?:who|that|which)\s+(?:\w+\s+){{0,2}}$"
    rf"|\bno\s+(?:evidence|proof|record|sign|indication)\s+(?:\w+\s+)?that\s+{_FEW}{{0,6}}$",
    re.IGNORECASE,
)
_MODALS = r"(?:may|might|could|should|must|will|shall|would\s+have)"
_SAYING = (
    r"(?:said|says?|claim(?:s|ed)?|believe[sd]?|thought|thinks?|report(?:s|ed)|alleged?s?|suppose[sd]?|suggest(?:s|ed)?"
    r"|rumou?red|argue[sd]?|assert(?:s|ed)?|insist(?:s|ed)?|assume[sd]?|speculate[sd]?)"
)
_WISHING = (
    r"(?:want(?:s|ed)?|hope[sd]?|plan(?:s|ned)?|intend(?:s|ed)?|wish(?:es|ed)?|tr(?:y|ies|ied)|attempt(?:s|ed)?"
    r"|propose[sd]?|agree[sd]?|offer(?:s|ed)?|promise[sd]?|expect(?:s|ed)?)"
)
_UNSURE_ADVERBS = rf"(?:{'|'.join(sorted(DOUBTING - {'almost', 'nearly', 'hardly', 'scarcely'}))})"
# A month and a name are no modal verb: that one is in lower case.
_MODAL = re.compile(rf"\b{_MODALS}\s+(?:\w+\s+){{0,3}}$")
_UNSURE = re.compile(
    rf"\b{_UNSURE_ADVERBS}\s+{_FEW}{{0,5}}$|\b{_SAYING}\s+{_FEW}{{0,7}}$"
    rf"|\b{_WISHING}\s+(?:\w+\s+){{0,2}}to\s+(?:\w+\s+){{0,3}}$"
    rf"|\b(?:{'|'.join(sorted(CONDITIONS))})\s+{_FEW}{{0,6}}$",
    re.IGNORECASE,
)
_SAID_BEHIND = re.compile(rf",\s+(?:it is\s+)?{_FEW}{{0,3}}{_SAYING}\b", re.IGNORECASE)
# What a census counts is nobody's opinion.
_ACCORDING = re.compile(
    r"\baccording to\b"
    r"(?!\s+(?:[\w.'\u2019-]+\s+){0,5}(?:census|statistic|survey|data|figures|bureau|register|estimate|\d))",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    rf"\b(?:{_UNSURE_ADVERBS}|{_SAYING}|{_WISHING}|{'|'.join(sorted(CONDITIONS))}|according to|{_MODALS}|would)\b",
    re.IGNORECASE,
)
_REFUSED_AT_ALL = re.compile(
    rf"\b(?:refus|fail|declin|neglect|forb[ai]d|den[yi]|avoid|{'|'.join(sorted(FALSE))})", re.IGNORECASE
)


class _Word(NamedTuple):
    """A word that tells what is asked, at a position of its sentence."""

    at: int
    denied: bool
    doubted: bool


class _Read(NamedTuple):
    """A sentence: where its negations end, and its words that tell what is asked."""

    negations: tuple[int, ...]
    words: tuple[_Word, ...]


class Denial:
    """What sentences deny or doubt of what is asked; each is read once."""

    def __init__(self, roots: Iterable[str], question: str = "", names: Iterable[str] = ()) -> None:
        """`roots`: stems of the words that tell what is asked. A `question` that denies, or doubts, wants just that.

        `names` are those of the question.
        """
        self._roots = dict.fromkeys(roots, 1.0)
        self._denying = not _negations(question)
        self._doubting = self._denying and _HEDGED.search(question) is None
        self._names = tuple(re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE) for name in names)
        self._kept: dict[Sentence, _Read | None] = {}

    def denies(self, sentence: Sentence, at: int | None = None) -> bool:
        """Whether it says that what is asked is not so; or is not so of what stands at character `at` of its passage.

        `not by Ada but by Bo` denies it of Ada alone.
        """
        read = self._read(sentence) if self._denying else None
        return read is not None and _is_not_so(sentence.text, read, None if at is None else at - sentence.start)

    def denies_in(self, sentence: str, at: int) -> bool:
        """The same of a sentence alone, and of what stands at its character `at`."""
        return (
            self._denying
            and not _is_plain(sentence)
            and _is_not_so(sentence, self._of_words(sentence, words_of(sentence)), at)
        )

    def refuses(self, sentence: Sentence, at: int | None, end: int | None = None) -> bool:
        """Whether what stands at characters `at` to `end` of its passage is no answer: the sentence denies it, or,
        where the question asks of what is not so, does not: neither of that, nor of what the question names.

        Of `designed Talle Kiln but not Oster Mill` neither one did, or did not, design the other.
        """
        if self._denying:
            return self.denies(sentence, at)
        read, text = self._read(sentence), sentence.text
        if read is None:
            return True
        named = [match.span() for name in self._names for match in name.finditer(text)]
        span = None if at is None else (at - sentence.start, (at if end is None else end) - sentence.start)
        if span is not None and any(_is_beside(text, one, span) or _is_beside(text, span, one) for one in named):
            return True
        return not _is_not_so(text, read, None if span is None else span[0]) and not any(
            _is_denied(text, start, read.negations, SPAN_NEAR) for start, _ in named
        )

    def speaks_of_it(self, sentence: Sentence) -> bool:
        """Whether it has a word that tells what is asked, denied or not."""
        return any(speaks(word.folded, self._roots) for word in sentence.words)

    def doubts(self, sentence: Sentence) -> bool:
        """Whether it tells what is asked as possible, wished, or as somebody's word, and nowhere plainly."""
        read = self._read(sentence) if self._doubting else None
        told = [word for word in read.words if not word.denied] if read is not None else []
        return bool(told) and all(word.doubted for word in told)

    def _read(self, sentence: Sentence) -> _Read | None:
        """None for most: they have no word that denies or doubts anything."""
        if sentence not in self._kept:
            text = sentence.text
            self._kept[sentence] = None if _is_plain(text) else self._of_words(text, sentence.words, sentence.start)
        return self._kept[sentence]

    def _of_words(self, text: str, words: Iterable[Word], start: int = 0) -> _Read:
        negations = _negations(text)
        positions = [word.start - start for word in words if speaks(word.folded, self._roots)]
        # What is denied twice is not denied.
        told = [
            _Word(
                at,
                _is_denied(text, at, negations, VERB_NEAR) != (_REFUSED.search(text[:at]) is not None),
                _is_doubted(text, at),
            )
            for at in positions[:MOST_WORDS]
        ]
        return _Read(negations, tuple(told))


def predicate_of(reading: Reading, depths: Collection[int] = (0,)) -> list[str]:
    """Stems of the verbs of these steps of a question; where these have none, of all their words but names."""
    words = [
        word.folded
        for word in words_of(reading.text)
        if word.folded not in STOP_WORDS
        and reading.depths.get(stem(word.folded)) in depths
        and stem(word.folded) not in reading.named
    ]
    verbs = [word for word in words if is_verb(word) and word not in reading.noun]
    return [stem(word) for word in verbs or words]


def denial_of(reading: Reading, depths: Collection[int] = (0,)) -> Denial:
    """Of what these steps of a question ask."""
    return Denial(predicate_of(reading, depths), reading.text, reading.names_text())


def without_denied_links(reading: Reading, evidence: Evidence) -> Evidence:
    """The evidence, without links that sentences make which deny what leads to the answer, or tell it where somebody
    called that wrong, and without passages that only these lead to."""
    if reading.steps == 1:
        return evidence
    inner = range(1, reading.steps)
    denial, judged = denial_of(reading, inner), Judged(predicate_of(reading, inner))
    left = []
    for passage in evidence.passages:
        kept = [
            one
            for one in passage.arrivals
            if not denial.denies(one.sentence, one.start)
            and not judged.rejects(
                one.sentence, [one.sentence.passage.about], [one.sentence.passage.text[one.start : one.end]]
            )
        ]
        led = any(one.forward for one in passage.arrivals if one not in kept)
        passage.arrivals = kept
        if passage.named or not led or any(one.source is not passage for one in kept):
            left.append(passage)
    return replace(evidence, passages=left)


@lru_cache(maxsize=1 << 12)
def _is_plain(text: str) -> bool:
    """Whether it has no word that denies or doubts anything."""
    return not any(pattern.search(text) for pattern in (_NOT, _REFUSED_AT_ALL, _HEDGED))


def _is_not_so(text: str, read: _Read, position: int | None) -> bool:
    """Whether a sentence denies what is asked, or denies it of what stands at a position."""
    if position is not None and _is_denied(text, position, read.negations, SPAN_NEAR):
        return True
    if not read.words or not all(word.denied for word in read.words):
        return False
    contrast = _CONTRAST.search(text, read.words[-1].at)
    return position is None or contrast is None or position < contrast.end()


def _is_beside(text: str, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether the one is told where the other is denied: `one, but not the other`."""
    return one[1] <= other[0] and _NOT_THAT.fullmatch(text, one[1], other[0]) is not None


def _negations(text: str) -> tuple[int, ...]:
    """Where each ends. One with a capital is part of a title unless it begins the sentence: `Never Let Me Go`."""
    found = []
    for match in _NOT.finditer(text):
        behind = text[match.end() :]
        if _NO_DENIAL.match(behind):
            continue
        if match[0][0].isupper() and match[0].lower() not in {"neither", "nor", "unlike", "instead of", "rather than"}:
            before = any(one.isalnum() for one in text[: match.start()])
            if before or behind.lstrip()[:1].isupper():
                continue
        found.append(match.end())
    return tuple(found)


def _is_denied(text: str, at: int, negations: Iterable[int], near: int) -> bool:
    """Whether a negation stands at most `near` words before a position, in its clause."""
    ends = [end for end in negations if end <= at]
    if not ends:
        return False
    clause = max((match.end() for match in _CLAUSE.finditer(text, 0, at)), default=0)
    return ends[-1] > clause and len(re.findall(r"\w+", text[ends[-1] : at])) < near


def _is_doubted(text: str, at: int) -> bool:
    before = text[:at]
    return (
        _MODAL.search(before) is not None
        or _UNSURE.search(before) is not None
        or _ACCORDING.search(text) is not None
        or _SAID_BEHIND.search(text, at) is not None
    )
