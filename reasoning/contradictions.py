"""Candidates that contradict an answer: another document says something else of the same thing in the same words.

`docs/answers.md` tells the rule. It needs no more than an answer shows, so that it is the same of one that was kept.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from contracts.reasoning import MAX_CANDIDATES, STEP_CHARACTERS
from inference.chunking import sentences
from reasoning.answering.candidates import folded
from reasoning.answering.comparable import Value, agree, differ, value_at, values_like
from reasoning.answering.denial import denial_of
from reasoning.answering.relations import concepts_of, matched
from reasoning.answering.values import dates_in
from reasoning.question.kinds import Kind
from reasoning.question.reading import Reading, read
from reasoning.results import Answer, Candidate
from reasoning.words import content_of, shortened, stem, words_of

DOUBTED = 0.5
"""No answer is surer than this that another source contradicts, unless clearly more sources bear it out."""
MORE, TIMES = 2, 2
"""Clearly more documents: so many more, and so many times as many."""
NOT = "not "
"""Before an answer that a document denies."""
_CLAUSE_ENDS = re.compile(r"[,;:()]|\b(?:and|but|while|when|which|who|where|before|after|until|since)\b", re.IGNORECASE)
_TELLING = frozenset({"against", "for", "from", "near", "of", "to", "under", "with"})
"""What before a name tells another thing than `by` and `in`."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence of a document."""

    document_id: str
    title: str
    text: str
    chunk_id: str = field(compare=False)
    start: int = field(compare=False)


class _Told(NamedTuple):
    """A value, which words of the question its clause tells, what else it tells, and whether it denies all that."""

    value: Value
    asked: frozenset[str]
    rest: frozenset[str]
    denied: bool


def with_contradictions(question: str, answer: Answer) -> Answer:
    """Each candidate with how many documents say it, and whether it contradicts the answer; that one less sure then.

    A document that denies the answer contradicts it, too: `not ANSWER` is then a candidate.
    """
    denial = shortened(f"{NOT}{answer.answer}", STEP_CHARACTERS)
    answer = replace(answer, candidates=tuple(one for one in answer.candidates if one.answer != denial))
    own = next((one for one in answer.candidates if answer.answer and _same(one.answer, answer.answer)), None)
    thing = _Thing(question, answer)
    mine = None if own is None else thing.told(own)
    if own is None or mine is None:
        return answer
    said = thing.documents(mine)
    marked, doubted = [], False
    for other in answer.candidates:
        theirs = mine if other is own else thing.told(other)
        if theirs is None:
            marked.append(other)
            continue
        their_documents = thing.documents(theirs)
        contradicts = (
            thing.contradict(own, mine, other, theirs)
            and other.document_id not in said
            and own.document_id not in their_documents
        )
        marked.append(replace(other, documents=max(1, len(their_documents)), contradicts=contradicts))
        doubted = doubted or (contradicts and not _are_more(said, their_documents))
    denying = thing.denying(mine, said)
    if denying:
        documents = {one.document_id for one in denying}
        first, doubted = denying[0], doubted or not _are_more(said, documents)
        source = (first.document_id, first.chunk_id, first.start, first.start + len(first.text))
        against = Candidate(denial, 0.0, first.text, first.title, *source, documents=len(documents), contradicts=True)
        marked = [*marked[: MAX_CANDIDATES - 1], against]
    confidence = min(answer.confidence, DOUBTED) if doubted else answer.confidence
    return replace(answer, confidence=confidence, candidates=tuple(marked))


def _are_more(said: Collection[str], others: Collection[str]) -> bool:
    """Whether clearly more documents say the one."""
    return len(said) >= max(len(others) + MORE, TIMES * len(others))


class _Thing:
    """What the last step asks of what, and every sentence that the answer shows."""

    def __init__(self, question: str, answer: Answer) -> None:
        reading = read(question)
        self._kind = reading.kind
        self._subject = _subject(reading, answer)
        named = reading.named | self._subject
        unsaid = {stem(word) for word in reading.noun} if reading.kind is Kind.TIME else set()
        self._asked = {root for root, depth in reading.depths.items() if depth == 0} - named - unsaid
        self._denial = denial_of(reading)
        self._sentences = _sentences(answer)

    def told(self, candidate: Candidate) -> _Told | None:
        """What its sentence says with it; None where it does not tell what is asked of the same thing."""
        said = _Said(candidate.document_id, candidate.title, candidate.sentence, candidate.chunk_id, candidate.start)
        spans = re.finditer(rf"(?<!\w){re.escape(candidate.answer)}(?!\w)", said.text)
        values = (value_at(said.text, *span.span()) for span in spans)
        clauses = (self._clause(said, value) for value in values if value is not None)
        return next((told for told in clauses if told is not None and not told.denied), None)

    def documents(self, told: _Told) -> frozenset[str]:
        """Those in which a sentence tells the same, with a value that agrees."""
        return frozenset(said.document_id for said in self._telling(told, denied=False))

    def denying(self, told: _Told, documents: Collection[str]) -> list[_Said]:
        """Sentences of other documents than these that deny the same."""
        return [said for said in self._telling(told, denied=True) if said.document_id not in documents]

    def _telling(self, told: _Told, *, denied: bool) -> Iterator[_Said]:
        return (
            said
            for said in self._sentences
            for value in values_like(said.text, told.value)
            if agree(value, told.value)
            for other in (self._clause(said, value),)
            if other is not None and other.denied is denied and told.asked <= other.asked
        )

    def contradict(self, own: Candidate, mine: _Told, other: Candidate, theirs: _Told) -> bool:
        """Whether two documents tell the same with values that differ."""
        if own.document_id == other.document_id or mine.asked != theirs.asked or not differ(mine.value, theirs.value):
            return False
        if mine.value.name:
            # There may be two founders: names contradict each other where all else is told alike.
            return self._kind in (Kind.PERSON, Kind.LOCATION) and mine.rest == theirs.rest
        if mine.value.number is not None:
            # So many in one year, and so many in another.
            years, others = _years(own.sentence), _years(other.sentence)
            return not years or not others or not years.isdisjoint(others)
        return True

    def _clause(self, said: _Said, value: Value) -> _Told | None:
        if not self._subject or not self._subject <= content_of(said.text) | content_of(said.title):
            return None
        before = [match.end() for match in _CLAUSE_ENDS.finditer(said.text, 0, value.start)]
        behind = _CLAUSE_ENDS.search(said.text, value.end)
        first, last = max(before, default=0), behind.start() if behind else len(said.text)
        stems = content_of(said.text[first : value.start]) | content_of(said.text[value.end : last])
        denied = self._denial.denies_in(said.text, value.start)
        if denied and not stems:
            # `Built by one man, not by another`: what is denied stands before.
            stems = content_of(said.text[: value.start])
        # Built by one man for another: these tell different things.
        stems |= {word.folded for word in words_of(said.text[first : value.start])[-1:]} & _TELLING
        asked = frozenset(root for root in self._asked if matched(root, stems, concepts_of(stems)) > 0)
        if not asked:
            return None
        return _Told(value, asked, stems - self._subject, denied)


def _subject(reading: Reading, answer: Answer) -> frozenset[str]:
    """Stems of what the last step is asked of: what the one before it found, else what the question names."""
    return content_of(answer.steps[-2].found) if len(answer.steps) > 1 else reading.named


def _sentences(answer: Answer) -> Sequence[_Said]:
    shown = [
        _Said(source.document_id, source.title, source.text[start:end], source.chunk_id, source.start + start)
        for source in answer.sources
        for start, end in sentences(source.text)
    ]
    return list(
        dict.fromkeys(
            [
                *shown,
                *(
                    _Said(one.document_id, one.title, one.sentence, one.chunk_id, one.start)
                    for one in answer.candidates
                ),
            ]
        )
    )


def _same(one: str, other: str) -> bool:
    return folded(one) == folded(other)


def _years(sentence: str) -> set[int]:
    return {dated.date.year for dated in dates_in(sentence) if dated.date.year}
