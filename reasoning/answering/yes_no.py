"""Yes or no: whether the evidence says what the question says, or something else in its stead."""

import re
from collections.abc import Mapping

from reasoning.answering.candidates import NAME, candidates, folded
from reasoning.answering.denial import denial_of
from reasoning.answering.evidence import Evidence, Found, Sentence
from reasoning.answering.facts import date_of, passage_about
from reasoning.answering.gazetteer import COUNTRIES, NATIONALITIES, STATES
from reasoning.answering.judged import Judged
from reasoning.answering.proposal import Proposal, Support
from reasoning.answering.relations import matched
from reasoning.question.kinds import Kind, kind_of_noun
from reasoning.question.reading import Reading
from reasoning.words import STOP_WORDS, content_of, stem, words_of

OPENING = 3
"""Sentences that say what a thing is."""
SAID = 0.75
"""Share of the words that a passage must hold to say the same."""
_PLACED = (" in ", " at ", " of ", " near ")
_NO_PREDICATE = STOP_WORDS | {"first", "ever"}


def yes_or_no(reading: Reading, evidence: Evidence) -> Proposal | None:
    """None where the evidence tells neither."""
    names = [name for name in reading.names_text() if content_of(name)]
    words = [word.folded for word in words_of(reading.text)]
    if len(names) >= 2 and "same" in words:
        return _same(reading, evidence, names[:2], words[words.index("same") + 1 :])
    if len(names) >= 2 and ("both" in words or (words[0] in {"are", "were"} and " and " in reading.text)):
        return _both(reading, evidence, names)
    for relation in ("before", "after"):
        if relation in words and (compared := _before(reading, evidence, relation)) is not None:
            return compared
    return _stated(reading, evidence, names)


def _both(reading: Reading, evidence: Evidence, names: list[str]) -> Proposal | None:
    subjects = names[:2] if content_of(names[0]) and not set(folded(names[0])) & NATIONALITIES else names[1:3]
    asked = {
        stem(word.folded): evidence.weights.get(stem(word.folded), 1.0)
        for word in words_of(reading.text)
        if word.folded not in STOP_WORDS and stem(word.folded) not in content_of(" ".join(subjects))
    }
    supports = []
    least = 1.0
    for name in subjects:
        passage = passage_about(evidence, name)
        if passage is None or not passage.sentences:
            return None
        opening = passage.sentences[:OPENING]
        stems = frozenset().union(*(sentence.stems for sentence in opening)) | passage.about
        whole = sum(asked.values()) or 1.0
        least = min(least, sum(weight for root, weight in asked.items() if _held(root, stems)) / whole)
        supports.append(_whole(opening[0]))
    said = least >= SAID
    return Proposal("yes" if said else "no", tuple(supports), 0.7, worked_out=True)


def _held(root: str, stems: frozenset[str]) -> bool:
    """A word's own relation does for it: a publication is a magazine."""
    return root in stems or any(root[:5] == other[:5] for other in stems if len(root) > 5 and len(other) > 5)


def _same(reading: Reading, evidence: Evidence, names: list[str], behind: list[str]) -> Proposal | None:
    noun = behind[0] if behind else ""
    found: list[tuple[set[str], Sentence]] = []
    for name in names:
        passage = passage_about(evidence, name)
        if passage is None or not passage.sentences:
            return None
        found.append((_values(passage, noun), passage.sentences[0]))
    if not found[0][0] or not found[1][0]:
        return None
    shared = found[0][0] & found[1][0]
    supports = tuple(_whole(sentence) for _, sentence in found)
    return Proposal("yes" if shared else "no", supports, 0.7, worked_out=True)


def _values(passage: Found, noun: str) -> set[str]:
    """Names that the opening of a passage has for a noun: its states for `state`; without any, all but countries."""
    opening = passage.sentences[:2]
    if noun in {"nationality", "nationalities"}:
        return {word.folded for sentence in opening for word in sentence.words if word.folded in NATIONALITIES}
    own = set(folded(passage.title))
    names: dict[str, str] = {}
    for sentence in opening:
        for span in candidates(passage.text, sentence.start, sentence.end, sentence.words, phrases=False):
            name = " ".join(folded(passage.text[span.start : span.end]))
            before = passage.text[max(0, span.start - 14) : span.start].lower()
            if span.kind != NAME or (set(name.split()) <= own and not before.endswith(_PLACED)):
                continue
            names[name] = before + passage.text[span.start : span.end + 14].lower()
    if noun == "country":
        return {name for name in names if name in COUNTRIES}
    if noun == "state" and (states := {name for name in names if name in STATES}):
        return states
    if kind_of_noun(noun) is Kind.LOCATION:
        names = {name: near for name, near in names.items() if name not in COUNTRIES and name not in NATIONALITIES}
    beside = {name for name, around in names.items() if noun and re.search(rf"\b{re.escape(noun)}\b", around)}
    if beside:
        return {" ".join(word for word in name.split() if word != noun) for name in beside}
    return set(names)


def _before(reading: Reading, evidence: Evidence, relation: str) -> Proposal | None:
    """`Was A lit before the wreck of B?`: two dates, compared."""
    first, _, second = re.sub(r"^\w+\s", "", reading.text.rstrip("? ")).partition(f" {relation} ")
    dates = []
    for part in (first, second):
        name = next((name for name in reading.names_text() if name in part), None)
        if name is None:
            return None
        event = {
            stem(word.folded): 1.0
            for word in words_of(part)
            if word.folded not in _NO_PREDICATE and stem(word.folded) not in content_of(name)
        }
        when = date_of(evidence, name, event)
        if when is None or when[2] < 0.5:
            return None
        dates.append(when)
    if dates[0][0] == dates[1][0]:
        return None
    is_before = dates[0][0] < dates[1][0]
    said = is_before if relation == "before" else not is_before
    strength = min(when[2] for when in dates)
    return Proposal("yes" if said else "no", tuple(when[1] for when in dates), strength, worked_out=True)


def _stated(reading: Reading, evidence: Evidence, names: list[str]) -> Proposal | None:
    """Whether one sentence holds subject, relation and object; `no` where it denies it, or holds another object of the
    kind. What may be so, or is somebody's word, tells neither."""
    if not names:
        return None
    objects = frozenset().union(*(content_of(name) for name in names[1:])) if len(names) > 1 else frozenset()
    subject = content_of(names[0])
    asked: Mapping[str, float] = {
        stem(word.folded): evidence.weights.get(stem(word.folded), 1.0)
        for word in words_of(reading.text)
        if word.folded not in _NO_PREDICATE and stem(word.folded) not in subject | objects
    }
    whole = sum(asked.values())
    told: tuple[float, Sentence] | None = None
    denial, denied = denial_of(reading), None
    judged, stems = Judged(asked), [content_of(name) for name in names]
    for sentence in evidence.sentences:
        here = sentence.stems | sentence.passage.about
        share = (
            sum(w * matched(r, sentence.stems, sentence.concepts) for r, w in asked.items()) / whole if whole else 1.0
        )
        if share >= SAID and (denial.doubts(sentence) or judged.rejects(sentence, stems)):
            continue
        if subject <= here and objects <= here and share >= SAID:
            if any(denial.denies(sentence, at) for at in (None, *_positions(sentence, names))):
                denied = denied or Proposal("no", (_whole(sentence),), share, worked_out=True)
                continue
            return Proposal("yes", (_whole(sentence),), share, worked_out=True)
        if subject <= here and whole and share >= SAID and (told is None or share > told[0]):
            told = share, sentence
    if denied is not None or told is None or not objects:
        return denied
    return Proposal("no", (_whole(told[1]),), 0.8 * told[0], worked_out=True)


def _positions(sentence: Sentence, names: list[str]) -> list[int]:
    """Where a sentence has these names, as they are written."""
    return [sentence.start + at for name in names if (at := sentence.text.find(name)) >= 0]


def _whole(sentence: Sentence) -> Support:
    return Support(sentence, sentence.start, sentence.end, sentence.text)
