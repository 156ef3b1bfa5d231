"""Words that tell the same relation: who asks for a designer is answered by `designed by`. General English, by hand."""

from collections.abc import Iterable

from reasoning.words import stem

_GROUPS = """
    born birth birthplace native birthday
    die died dies death dead deathplace killed passed
    design designed designer architect designs
    write wrote written writer author authored novel novelist book wrote penned poem playwright
    found founded founder founding established establish formed form forming created start started cofounded co-founded
    direct directed director directs directing filmmaker
    spouse wife husband married marry marries marriage consort
    child children son daughter sons daughters kid
    father mother parent parents mothered fathered son daughter
    sibling brother sister siblings brothers sisters
    compose composed composer composition music
    perform performed performer singer sung sang recorded recording band album song musician sings
    citizen citizenship nationality country national
    population people inhabitants residents census
    located situated lies lie stands stand stood based headquartered headquarters location
    charge president premier leader ruler minister governor ruled ruling rule reign king queen head headed led lead
    currency money coin
    border borders bordered adjacent neighbouring neighboring shares share
    attend attended studied study educated graduate graduated degree student university college school alma mater
    release released releases releasing issued publication published publish publishes publisher
    create created creator creates made make maker developed develop developer
    produce produced producer producing production
    star starred starring actor actress played plays portrayed portrays portrayal cast role stars
    win won winner wins winning award awarded received prize champion beat
    begin began begun begins start started starts launched opened inaugurated commenced
    end ended ends dissolved ceased closed defunct abolished disbanded dissolve
    own owned owner owns parent subsidiary acquired
    invent invented inventor invention
    discover discovered discoverer discovery
    build built builder construction constructed erected
    paint painted painter painting artist
    play played plays player footballer
    live lived lives resided resident residence
    employ employed employer worked works work
    named name called known renamed eponymous
    move moved moves settled emigrated relocated
    cost costs price paid
    member members part belongs joined
    flow flows river stream
    hold held holds contain contains houses collection
    teach taught teacher teaches pupil
    rise rises source
    win victory defeated defeat
    sell sold selling sales
    serve served serves serving service
    appear appeared appears appearance featured features guest
    debut debuted premiered premiere premieres aired originally broadcast
    job profession occupation worked career
    earlier first before
    large largest biggest larger
    wreck wrecked struck sank sunk strike hit
    join joined joins member admitted
    independence independent
    capital seat
    airport international
    language spoken speak languages
    religion church faith religious
    buy bought purchased acquired sold
    mouth flows empties
    snow snowfall
    distributed distributor label
    nickname nicknamed known
    war battle fought fight
    resign resigned resignation
    vote voted election elected elect
    character fictional
    host hosted hosts presenter presented
    tall height high
    old age aged
"""

_CONCEPTS: dict[str, frozenset[int]] = {}
for _number, _line in enumerate(line for line in _GROUPS.splitlines() if line.strip()):
    for _word in _line.replace("-", "").split():
        _root = stem(_word)
        _CONCEPTS[_root] = _CONCEPTS.get(_root, frozenset()) | {_number}

SYNONYM = 0.8
"""What a word of the same relation is worth beside the word itself."""


_NONE: frozenset[int] = frozenset()


def concepts_of_stem(root: str) -> frozenset[int]:
    """Relations that a word tells."""
    return _CONCEPTS.get(root, _NONE)


def concepts_of(stems: Iterable[str]) -> frozenset[int]:
    """Relations that the words tell."""
    return frozenset(number for root in stems for number in _CONCEPTS.get(root, ()))


def matched(root: str, stems: frozenset[str], concepts: frozenset[int]) -> float:
    """How well a word of a question is matched by a sentence of these stems and their concepts, in 0..1."""
    if root in stems:
        return 1.0
    own = _CONCEPTS.get(root)
    return SYNONYM if own is not None and not own.isdisjoint(concepts) else 0.0
