"""Made-up passages of about 100 words, all different, referring to one another."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_GIVEN = ("Ada", "Bram", "Clio", "Dorian", "Edda", "Felix", "Greta", "Hugo", "Iris", "Jonas", "Klara", "Linus")
_FAMILY = [
    start + end
    for start in ("Ash", "Bir", "Cal", "Drum", "Ever", "Fair", "Good", "Hart", "Ingle", "Kes", "Lang", "Mar")
    for end in ("down", "kett", "loway", "mond", "hart", "field", "win", "ley", "ham", "wick", "stone", "by")
]
_PLACES = [
    f"{first} {last}"
    for first in ("Port", "Upper", "Saint", "Kestrel", "Grey", "Winter", "Old", "North")
    for last in ("Almond", "Orla", "Merrow", "Tollgate", "Bourne", "Water", "Hollow", "Quay")
]
_WORKS = ("Lighthouse", "Observatory", "Aqueduct", "Opera House", "Clock Tower", "Glasshouse", "Museum", "Bridge")
_VERBS = ("designed", "founded", "restored", "described", "inherited", "painted")
_TRADES = ("an engineer", "a painter", "a glassmaker", "a surveyor", "a physician", "a bookbinder")
_REASONS = ("the winters were mild", "timber was cheap there", "the harbour had been widened", "a patron asked for it")


@dataclass(frozen=True, slots=True)
class Fact:
    """`text[start:end]` of the passage states that the subject does something to the object."""

    subject: str
    predicate: str
    object: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A document of one passage, and what it says: names with their types, and facts."""

    document_id: str
    title: str
    text: str
    names: tuple[tuple[str, str], ...]
    facts: tuple[Fact, ...]


def passages(count: int, seed: int = 7) -> list[Passage]:
    """The first `count` of a series that `seed` names."""
    choose = random.Random(seed)
    return [_passage(choose, f"{seed}-{number}") for number in range(count)]


def write_corpus(path: Path, made: Sequence[Passage]) -> None:
    """As JSON Lines that `annals ingest` reads."""
    lines = (json.dumps({"id": one.document_id, "title": one.title, "text": one.text}) for one in made)
    path.write_text("".join(line + "\n" for line in lines))


def _passage(choose: random.Random, number: str) -> Passage:
    person, other, third = (f"{given} {choose.choice(_FAMILY)}" for given in choose.sample(_GIVEN, 3))
    home, elsewhere, last = choose.sample(_PLACES, 3)
    work, second = (f"{kind} of {elsewhere}" for kind in choose.sample(_WORKS, 2))
    verb, again = choose.sample(_VERBS, 2)
    stated = [
        (person, "bear", home, f"{person} was born in {home} in {1700 + choose.randrange(100)} and trained there as "
         f"{choose.choice(_TRADES)} before anybody had heard the name."),
        (person, verb, work, f"In {1800 + choose.randrange(100)} {person} {verb} the {work}, because "
         f"{choose.choice(_REASONS)} and the council of {last} had refused to wait any longer."),
        (other, "write", person, f"{other} wrote {choose.randrange(2, 90)} letters to {person} about the work, most "
         f"of which were lost when the archive at {last} was flooded."),
        (third, again, second, f"A generation later {third} {again} the {second} after long talks with {other}, and "
         f"moved to {home} with the money that was left from paper number {number}."),
    ]  # fmt: skip
    text, facts = "", []
    for subject, predicate, thing, sentence in stated:
        start = len(text) + (1 if text else 0)
        text = f"{text} {sentence}" if text else sentence
        facts.append(Fact(subject, predicate, thing, start, len(text)))
    names = [(name, "PERSON") for name in (person, other, third)] + [(name, "GPE") for name in (home, elsewhere, last)]
    names += [(name, "FAC") for name in (work, second)]
    return Passage(f"passage-{number}", f"{person} of {home} {number}", text, tuple(names), tuple(facts))
