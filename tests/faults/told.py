"""What may be told, and the small things that follow from it: names, statements, decisions."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

Triple = tuple[str, str, str]
"""Subject, verb and object, by their names."""
VERB = "met"
"""Of every sentence that states something."""
CONFIDENCE = 0.8
"""Of what the light models find."""


@dataclass(frozen=True)
class Told:
    """A document's content."""

    title: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sentences, a space between them."""
        return " ".join(self.sentences)


@dataclass(frozen=True)
class Naming:
    """One place where a document names an entity: in a sentence, or by its title."""

    document_id: str
    entity: str
    name: str
    kind: str
    chunk: str
    times: int = 1


@dataclass(frozen=True)
class Stated:
    """A relation."""

    document_id: str
    subject: str
    verb: str
    object: str
    chunk: str
    start: int
    end: int
    valid: bool | None
    confidence: float


@dataclass(frozen=True)
class Called:
    """An entity as a list shows it; `mentions` and `documents` are its own, `merged` says where it went."""

    name: str
    kind: str | None
    mentions: int
    documents: int
    valid: bool | None


@dataclass(frozen=True)
class Decision:
    """Of a person. `what`: rename, merge, judge or split; `to`: the new name, or the other entity."""

    what: str
    to: str = ""
    valid: bool = True
    documents: frozenset[str] = frozenset()
    event: UUID | None = None


@dataclass(frozen=True)
class Content:
    """What an event left of a document: its content, or None where it was deleted. The `first` stays."""

    event: UUID | None
    told: Told | None
    first: bool


@dataclass
class Said:
    """What people said of one relation, the last behind: verbs with a confidence, and judgements, each by its event."""

    verbs: list[tuple[UUID | None, str, float]] = field(default_factory=list)
    judgements: list[tuple[UUID | None, bool]] = field(default_factory=list)

    def events(self, what: str) -> list[UUID | None]:
        """Of `RelationshipUpdated` or `RelationshipValidated`."""
        return [one[0] for one in (self.verbs if what == "RelationshipUpdated" else self.judgements)]

    def take_back(self, what: str) -> None:
        """The last one of these."""
        (self.verbs if what == "RelationshipUpdated" else self.judgements).pop()


def names_in(sentence: str) -> list[str]:
    """Words with a capital."""
    return [word.rstrip(".") for word in sentence.split() if word[0].isupper()]


def most(namings: list[Naming], what: str) -> str | None:
    """The most frequent name or kind; in a tie the first by its bytes."""
    counted: Counter[str] = Counter()
    for one in namings:
        counted[getattr(one, what)] += one.times
    return min(counted, key=lambda value: (-counted[value], value.encode()), default=None)
