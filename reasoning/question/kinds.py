"""What may be asked for, and which nouns ask for it."""

from enum import StrEnum


class Kind(StrEnum):
    """What a question asks for."""

    PERSON = "person"
    LOCATION = "place"
    TIME = "time"
    NUMBER = "number"
    YES_NO = "yes or no"
    CHOICE = "one of those named"
    LIST = "several things"
    DEFINITION = "what something is"
    THING = "a thing"


_PERSON = """
    actor actress author artist architect athlete attacker attorney aviator baron baroness benefactor biographer
    boss boxer brother builder candidate captain carrier ceo chairman chairwoman champion chancellor character
    chemist chief child citizen coach colleague comedian commander composer conductor consort creator cricketer
    cyclist dancer daughter defender designer developer director discoverer doctor drummer duke editor emperor
    employee employer empress engineer explorer father filmmaker footballer founder friend general girl goalkeeper
    golfer governor grandfather grandmother grandson guitarist guy head heir hero historian host husband illustrator
    inventor journalist judge keeper king lady lawyer leader lieutenant lord lover lyricist maker man manager
    mathematician mayor minister model monarch mother murderer musician narrator nephew niece novelist officer
    opponent organist owner painter parent partner performer person philosopher photographer physicist pianist pilot
    pioneer player playwright poet politician pope predecessor premier president priest prince princess principal
    producer professor psychologist publisher queen rapper ruler runner sailor saint scientist scientist
    screenwriter sculptor senator sibling singer sister skier soldier son songwriter spouse star striker successor
    sultan surgeon surveyor swimmer teacher translator uncle vocalist voice wife winner woman wrestler writer
"""
_LOCATIONS = """
    area airport bay birthplace borough canton capital castle city coast colony continent country county department
    district estuary forest hamlet harbour headquarters hill hills homeland hometown island lake landmark location
    metropolis mountain mountains municipality nation neighborhood neighbourhood ocean parish peninsula place port
    prefecture province range region republic river sea settlement shire site state street strait suburb territory
    town township valley venue village volcano waterfall
"""
_TIME = "age century date day decade era month period season time year"
_NUMBER = """
    amount area count debt density depth distance elevation frequency height length margin number output percentage
    percent population price proportion ranking rate salary score size snowfall speed temperature total value weight
    width
"""
_OF_PERSON, _OF_PLACE, _OF_TIME, _OF_NUMBER = (
    frozenset(words.split()) for words in (_PERSON, _LOCATIONS, _TIME, _NUMBER)
)
_PLURALS = {"men": "man", "women": "woman", "wives": "wife", "children": "child", "people": "person", "cities": "city"}

LIGHT = frozenset(
    {
        "member",
        "members",
        "name",
        "kind",
        "type",
        "sort",
        "part",
        "one",
        "instance",
        "form",
        "term",
        "names",
        "kinds",
        "types",
    }
)
"""Nouns that only lead to the one behind their `of`."""
MEASURES = frozenset(
    {"tall", "high", "far", "large", "big", "long", "wide", "deep", "heavy", "fast", "old", "populous"}
)
"""What follows `how` where a number is asked for."""


def kind_of_noun(noun: str) -> Kind:
    """By the last word of a noun phrase: `Danish city` asks for a place. THING for what is not known."""
    one = singular(noun)
    if one in _OF_TIME:
        return Kind.TIME
    if one in _OF_NUMBER and one != "area":
        return Kind.NUMBER
    if one in _OF_PLACE:
        return Kind.LOCATION
    return Kind.PERSON if one in _OF_PERSON else Kind.THING


def singular(noun: str) -> str:
    """As far as regular English goes."""
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith(("sses", "ches", "shes", "xes")):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and not noun.endswith(("ss", "us")) and len(noun) > 3 else noun
