"""What a text says of a person by whose name it calls somebody: in which field, and when born. Of English texts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_SPANS = 16
"""So many spans of a text that are the name are read."""
_BEFORE, _AFTER = 60, 160

_NOUNS = {
    "sport": "archer athlete baseballer batsman batter bowler boxer cricketer cyclist defender fencer fielder "
    "footballer goalkeeper golfer gymnast halfback hurdler jockey judoka linebacker midfielder "
    "outfielder pitcher quarterback racer rower shortstop skater skier sprinter striker "
    "swimmer weightlifter winger wrestler medalist medallist olympian",
    "politics": "ambassador assemblyman chancellor congressman congresswoman councillor diplomat "
    "governor judge justice lawmaker legislator magistrate mayor politician "
    "prosecutor senator statesman brigadier",
    "arts": "actor actress animator bassist cartoonist cellist choreographer comedian composer dancer drummer "
    "essayist filmmaker guitarist illustrator lyricist musician novelist painter photographer pianist "
    "playwright poet rapper saxophonist screenwriter sculptor singer songwriter soprano violinist "
    "vocalist",
    "science": "anthropologist archaeologist astronomer biologist botanist cardiologist chemist dentist "
    "entomologist geneticist geographer geologist linguist mathematician nurse oncologist "
    "paediatrician palaeontologist paleontologist pathologist pharmacist physician physicist "
    "psychiatrist psychologist radiologist scientist sociologist statistician surgeon surveyor "
    "zoologist",
    "trade": "baker beekeeper blacksmith brewer bricklayer butcher carpenter chef cobbler cook electrician "
    "farmer fisherman florist gardener grocer innkeeper joiner mechanic miner plumber potter shepherd "
    "shoemaker weaver winemaker",
}  # fmt: skip
_VERBS = {
    "sport": "scored batted bowled pitched skated boxed sprinted",
    "politics": "voted legislated prosecuted sentenced governed",
    "arts": "acted composed conducted danced painted paints sang sings sculpted starred",
    "science": "operates patented proved discovered",
    "trade": "baked bakes brewed brews farmed farms",
}
FIELD_OF = {word: field for field, words in _NOUNS.items() for word in words.split()}
_FIELD_OF_VERB = {word: field for field, words in _VERBS.items() for word in words.split()}
_SENTENCE_END = re.compile(r"[.!?][\"'\u201d)]*\s+(?=[A-Z])|\n\s*\n")
_IS = re.compile(
    r"(?:\s*\([^()]{0,80}\))?,?\s+(?:who\s+)?(?:is|was|became|worked as|works as|served as)\s+"
    r"(?:(?:a|an|the|one of the)\s+)?"
)
_APPOSED = re.compile(r"(?:\s*\([^()]{0,80}\))?,\s+(?:(?:a|an|the|former|retired)\s+)+")
_BRACKETS = re.compile(r"\s*\(([^()]{1,80})\)")
_DAY = r"(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+)?(?:\d{1,2}\b[^\d()]{1,12})?"
_YEAR = r"(1\d{3}|20\d{2})\b"
_BORN = re.compile(rf"(?:born|b\.)[^\d()]{{0,20}}(?:\d{{1,2}}\b[^\d()]{{1,12}})?{_YEAR}", re.I)
_LIVED = re.compile(rf"{_DAY}{_YEAR}[^\d()]{{0,3}}[-\u2013\u2014]\s*{_DAY}{_YEAR}", re.I)
_SHORTEST_LIFE = 25
"""Years; a shorter span is of an office or a career."""
_DOES = re.compile(r"\s+(?:who\s+)?(?:has\s+|had\s+)?([a-z]+)\b")
_SPORT = re.compile(r"\b(?:championships?|cup|goals?|gold|marathon|match|medals?|penalt(?:y|ies)|race|tournament)\b")
_WORD = re.compile(r"[\w'-]+|[,;:]")
_ENDS = frozenset({"not", "never", "no", "of", "in", "from", "for", "at", "with", "by", "on", "to", "as", ";", ":"})
_ENDS |= {"who", "whom", "whose", "that", "which", "when", "where"}
_MOST_WORDS = 10


@dataclass(frozen=True, slots=True)
class Described:
    """`fields` that the person is said to work in; `born`: the years of birth that are said."""

    fields: frozenset[str] = frozenset()
    born: frozenset[int] = frozenset()

    def denies(self, other: "Described") -> bool:
        """Whether the two are of other births, or of no field in common."""
        if self.born and other.born:
            return self.other_birth(other)
        return bool(self.fields and other.fields) and not self.fields & other.fields

    def other_birth(self, other: "Described") -> bool:
        """Whether both say when, and more than a year lies between."""
        years = [abs(mine - yours) for mine in self.born for yours in other.born]
        return bool(years) and min(years) > 1

    def __or__(self, other: "Described") -> "Described":
        """What both say, of one."""
        return Described(self.fields | other.fields, self.born | other.born)


def described(text: str, name: str) -> Described:
    """What the text says of the one that it calls by this name, as it writes it."""
    fields, born = set[str](), set[int]()
    for start, end in _spans(text, name):
        before, after = _sentence(text, start, end)
        fields |= set(_fields(before, after))
        brackets = _BRACKETS.match(after)
        if brackets is not None:
            fields |= {FIELD_OF[word] for word in _WORD.findall(brackets[1].lower()) if word in FIELD_OF}
            born |= set(_birth(brackets[1]))
    return Described(frozenset(fields), frozenset(born))


def _birth(brackets: str) -> Iterator[int]:
    born, lived = _BORN.match(brackets), _LIVED.match(brackets)
    if born is not None:
        yield int(born[1])
    elif lived is not None and int(lived[2]) - int(lived[1]) >= _SHORTEST_LIFE:
        yield int(lived[1])


def _spans(text: str, name: str) -> Iterator[tuple[int, int]]:
    at = -1
    for _ in range(MOST_SPANS):
        at = text.find(name, at + 1)
        if at < 0:
            return
        end = at + len(name)
        if not text[at - 1 : at].isalnum() and not text[end : end + 1].isalnum():
            yield at, end


def _sentence(text: str, start: int, end: int) -> tuple[str, str]:
    before = _SENTENCE_END.split(text[max(0, start - _BEFORE) : start])[-1]
    return before, _SENTENCE_END.split(text[end : end + _AFTER], maxsplit=1)[0]


def _fields(before: str, after: str) -> Iterator[str]:
    words = re.findall(r"[\w'-]+", before)
    # A capital begins a sentence, or a title: else it is a name, as in `Pete Baker John Smith`.
    word = words[-1].lower() if words else ""
    if word in FIELD_OF and (words[-1] == word or len(words) == 1 or FIELD_OF[word] == "politics"):
        yield FIELD_OF[word]
        if words[-2:-1] == ["and"] and len(words) > 2 and words[-3] in FIELD_OF:
            yield FIELD_OF[words[-3]]
    for pattern in (_IS, _APPOSED):
        found = pattern.match(after)
        if found is not None:
            yield from _nouns(after[found.end() :])
    does = _DOES.match(after)
    if does is not None and does[1] in _FIELD_OF_VERB:
        yield _FIELD_OF_VERB[does[1]]
    if does is not None and does[1] in ("won", "saved") and _SPORT.search(after):
        yield "sport"


def _nouns(said: str) -> Iterator[str]:
    """Of a noun phrase, as far as it goes: commas join `singer, actor and dancer`."""
    for number, word in enumerate(_WORD.findall(said)):
        if number == _MOST_WORDS or word in _ENDS:
            return
        if word in FIELD_OF:
            yield FIELD_OF[word]
