"""What is known of the passages that a question is to be ranked on, as they are found."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from contracts.folding import name_key
from projections.graph.reads import GraphSnapshot, Subject
from projections.vector.reads import Hit, Passage
from reasoning.links import Name, name_of


@dataclass(frozen=True)
class ReadPassages:
    """Passages by their id, what they say, and how like the question they are: what a part is made of."""

    passages: Mapping[str, Passage]
    said: GraphSnapshot
    near: Sequence[Hit]

    def some(self, chunk_ids: Iterable[str]) -> "ReadPassages":
        """Those of them that are there, and what is said and known of these alone."""
        passages = {one: self.passages[one] for one in chunk_ids if one in self.passages}
        return ReadPassages(
            passages, of_passages(self.said, passages.keys()), [hit for hit in self.near if hit.chunk_id in passages]
        )


@dataclass
class Part:
    """Passages that were found so far, what they say, and how like the question each is (`near`, a cosine).

    `worth`: how much each is worth until they are ranked. `spread` and `shared`: how many passages of the whole speak
    of an entity that these name, and how many a name is of.
    """

    passages: dict[str, Passage] = field(default_factory=dict)
    near: list[Hit] = field(default_factory=list)
    said: list[GraphSnapshot] = field(default_factory=list)
    worth: dict[str, float] = field(default_factory=dict)
    spread: dict[str, int] = field(default_factory=dict)
    _counted: int = 0
    _expanded: set[str] = field(default_factory=set)
    _entities: set[str] = field(default_factory=set)
    _keys: set[str] = field(default_factory=set)
    _sharing: set[tuple[Name, str]] = field(default_factory=set)

    def new(self, chunk_ids: Iterable[str]) -> list[str]:
        """Those of them that are not there yet."""
        return [chunk_id for chunk_id in chunk_ids if chunk_id not in self.passages]

    def add(self, read: ReadPassages) -> None:
        """Passages that are not there yet."""
        self.passages |= read.passages
        self.said.append(read.said)
        self.near += read.near

    def weigh(self, worth: Mapping[str, float]) -> None:
        """What those that are there are worth at least."""
        for chunk_id, value in worth.items():
            if chunk_id in self.passages:
                self.worth[chunk_id] = max(value, self.worth.get(chunk_id, 0.0))

    def expand(self, count: int) -> list[str]:
        """The strongest of those that nobody set out from yet, best first; who asks sets out from them."""
        left = (chunk_id for chunk_id in self.passages if chunk_id not in self._expanded)
        strongest = sorted(left, key=lambda chunk_id: (-self.worth[chunk_id], chunk_id))[:count]
        self._expanded.update(strongest)
        return strongest

    def said_by(self, chunk_ids: Collection[str]) -> GraphSnapshot:
        """What some of the passages say."""
        return of_passages(combined(self.said), chunk_ids)

    def uncounted(self) -> tuple[list[str], list[str]]:
        """Entities that these name, and keys of names of what they are about, that nobody was given yet; in order."""
        new = combined(self.said[self._counted :])
        self._counted = len(self.said)
        entities = ({one.entity_id for one in new.subjects} | {one.entity_id for one in new.mentions}) - self._entities
        keys = {name_key(one.name) for one in new.subjects} - self._keys - {""}
        self._entities |= entities
        self._keys |= keys
        return sorted(entities), sorted(keys)

    def count(self, spread: Mapping[str, int], sharing: Iterable[Subject]) -> None:
        """What is known of some of them in the whole."""
        self.spread |= spread
        self._sharing.update((name_of(one.name), one.chunk_id) for one in sharing)

    @property
    def shared(self) -> Mapping[Name, int]:
        """How many passages a name is of."""
        return Counter(name for name, _ in self._sharing)


def combined(parts: Sequence[GraphSnapshot]) -> GraphSnapshot:
    """What several parts say together; they have no passage in common."""
    if len(parts) == 1:
        return parts[0]
    subjects = [one for part in parts for one in part.subjects]
    mentions = [one for part in parts for one in part.mentions]
    rejected = {name for part in parts for name in part.rejected}
    # What one part calls no entity may be the name of another entity in another part.
    accepted = {one.name for one in subjects} | {one.name for one in mentions} if rejected else set()
    return GraphSnapshot(
        subjects,
        mentions,
        [one for part in parts for one in part.statements],
        sorted(rejected - accepted),
        [one for part in parts for one in part.wrong],
    )


def of_passages(said: GraphSnapshot, chunk_ids: Collection[str]) -> GraphSnapshot:
    """What these passages say of it."""
    return replace(
        said,
        subjects=[one for one in said.subjects if one.chunk_id in chunk_ids],
        mentions=[one for one in said.mentions if one.chunk_id in chunk_ids],
        statements=[one for one in said.statements if one.chunk_id in chunk_ids],
        wrong=[one for one in said.wrong if one.chunk_id in chunk_ids],
    )
