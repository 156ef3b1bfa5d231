"""Made-up passages for load and fault tests: as many as wanted, short, all different, referring to one another."""

import json
import random
from pathlib import Path

_GIVEN = ("Ada", "Bram", "Clio", "Dorian", "Edda", "Felix", "Greta", "Hugo", "Iris", "Jonas", "Klara", "Linus")
_FAMILY = ("Ashdown", "Birkett", "Calloway", "Drummond", "Everhart", "Fairfax", "Goodwin", "Hartley", "Ingram")
_PLACES = ("Port Almond", "Greywater", "Saint Orla", "Kestrel Bay", "Upper Merrow", "Tollgate", "Winterbourne")
_WORKS = ("lighthouse", "observatory", "aqueduct", "opera house", "clock tower", "glasshouse", "museum", "bridge")
_VERBS = ("designed", "founded", "restored", "paid for", "described", "inherited")


def passages(count: int, seed: int = 7, first: int = 0) -> list[dict[str, str]]:
    """`{"id", "title", "text"}` each, numbered from `first`."""
    choose = random.Random(seed)
    made = []
    for number in range(first, first + count):
        person = f"{choose.choice(_GIVEN)} {choose.choice(_FAMILY)}"
        other = f"{choose.choice(_GIVEN)} {choose.choice(_FAMILY)}"
        place, work = choose.choice(_PLACES), choose.choice(_WORKS)
        title = f"{person} of {place} {number}"
        verb, elsewhere = choose.choice(_VERBS), choose.choice(_PLACES)
        text = (
            f"{person} was born in {place} in {1700 + choose.randrange(250)}. "
            f"In {1750 + choose.randrange(250)} {person} {verb} the {work} of {elsewhere}. "
            f"{other} wrote letter {number} about it."
        )
        made.append({"id": f"passage-{number}", "title": title, "text": text})
    return made


def write_corpus(path: Path, count: int, seed: int = 7, first: int = 0) -> list[dict[str, str]]:
    """As JSON Lines; returns what was written."""
    made = passages(count, seed, first)
    path.write_text("".join(json.dumps(passage) + "\n" for passage in made))
    return made
