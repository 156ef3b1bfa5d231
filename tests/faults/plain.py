"""What Annals should know, as plain dictionaries: documents as they were told, and what people decided of entities.

Nothing is folded here and nothing is kept by difference: whatever is asked is worked out from the whole of it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from contracts.ids import chunk_id, entity_id
from inference.model import digest_of

Triple = tuple[str, str, str]
"""Subject, verb and object, by their names."""


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


@dataclass
class PlainTenant:
    """All of one tenant. `told` has the documents that are there; `decided` each entity's decisions, the last behind.

    `assigned` is what rules said, as the log has it: when they say so is tested with them.
    """

    tenant: str
    told: dict[str, Told] = field(default_factory=dict)
    judged: dict[tuple[str, Triple], bool] = field(default_factory=dict)
    decided: dict[str, list[Decision]] = field(default_factory=dict)
    assigned: dict[str, str] = field(default_factory=dict)

    def id_of(self, name: str) -> str:
        """The entity that documents mean by a name, where nobody said otherwise."""
        return entity_id(self.tenant, name)

    # What happens.

    def tell(self, document_id: str, told: Told) -> None:
        """Taken in, or anew."""
        self.told[document_id] = told

    def forget(self, document_id: str) -> None:
        """Deleted; what people said of its relations goes with it."""
        self.told.pop(document_id, None)
        self.judged = {key: valid for key, valid in self.judged.items() if key[0] != document_id}

    def decide(self, entity: str, decision: Decision) -> None:
        """One more."""
        self.decided.setdefault(entity, []).append(decision)

    def undo(self, entity: str) -> Decision | None:
        """The last decision on it, else what rules said."""
        made = self.decided.get(entity)
        if not made:
            self.assigned.pop(entity, None)
            return None
        undone = made.pop()
        if undone.what == "split":
            self.decided.pop(undone.to, None)
        return undone

    # What is so then.

    def last(self, entity: str, what: str) -> Decision | None:
        """The decision of this kind that is in force."""
        return next((one for one in reversed(self.decided.get(entity, ())) if one.what == what), None)

    def merged_into(self, entity: str) -> str | None:
        """The next one on its way; people come before rules."""
        merged = self.last(entity, "merge")
        return self.assigned.get(entity) if merged is None else merged.to

    def way(self, entity: str) -> list[str]:
        """It, and what it became."""
        way = [entity]
        while (into := self.merged_into(way[-1])) is not None and into not in way:
            way.append(into)
        return way

    def end(self, entity: str) -> str:
        """What it became."""
        return self.way(entity)[-1]

    def members(self, entity: str) -> set[str]:
        """Who became it."""
        known = self.decided.keys() | self.assigned.keys()
        return {one for one in known if one != entity and entity in self.way(one)}

    def meant(self, document_id: str, name: str) -> str:
        """The entity that a document means by a name, by what people split."""
        entity = self.id_of(name)
        while True:
            splits = [one for one in self.decided.get(entity, ()) if one.what == "split"]
            into = next((one.to for one in reversed(splits) if document_id in one.documents), None)
            if into is None:
                return entity
            entity = into

    def chunks(self, document_id: str) -> list[tuple[str, int, int, str]]:
        """Id, start, end and text of each."""
        found, start = [], 0
        for sentence in self.told[document_id].sentences:
            own = chunk_id(self.tenant, document_id, digest_of(sentence), 0)
            found.append((own, start, start + len(sentence), sentence))
            start += len(sentence) + 1
        return found

    def mentions(self) -> Iterator[Naming]:
        """Each name in each sentence."""
        for document_id in self.told:
            for chunk, _, _, text in self.chunks(document_id):
                for name, times in Counter(names_in(text)).items():
                    yield Naming(document_id, self.meant(document_id, name), name, "PERSON", chunk, times)

    def titles(self) -> Iterator[Naming]:
        """Each chunk is about the title."""
        for document_id, told in self.told.items():
            for chunk, *_ in self.chunks(document_id):
                yield Naming(document_id, self.meant(document_id, told.title), told.title, "", chunk)

    def relations(self) -> Iterator[Stated]:
        """Each sentence of subject, verb and object; the id of a name follows from `meant`."""
        for document_id in self.told:
            for chunk, start, end, text in self.chunks(document_id):
                triple = triple_in(text)
                if triple is not None:
                    valid = self.judged.get((document_id, triple))
                    yield Stated(document_id, *triple, chunk, start, end - 1, valid)

    def namings(self) -> list[Naming]:
        """All of it that names an entity."""
        ends = (
            Naming(one.document_id, self.meant(one.document_id, name), name, "", one.chunk)
            for one in self.relations()
            for name in (one.subject, one.object)
        )
        return [*self.mentions(), *self.titles(), *ends]

    def entities(self) -> dict[str, Called]:
        """Every entity that is named, or on which a decision is in force, also those that were merged."""
        namings = self.namings()
        decided = {one for one in self.decided if self.is_decided(one)} | self.assigned.keys()
        found: dict[str, Called] = {}
        for entity in {one.entity for one in namings} | decided:
            own = [one for one in namings if one.entity == entity]
            renamed, judged = self.last(entity, "rename"), self.last(entity, "judge")
            found[entity] = Called(
                name=(renamed.to if renamed else most(own, "name")) or entity,
                kind=most([one for one in own if one.kind], "kind"),
                mentions=sum(one.times for one in own if one.kind),
                documents=len({one.document_id for one in own}),
                valid=judged.valid if judged else None,
            )
        return found

    def is_decided(self, entity: str) -> bool:
        """Whether a decision but a split is in force."""
        return any(one.what != "split" for one in self.decided.get(entity, ()))

    def together(self) -> dict[str, Called]:
        """What a list of entities shows of those that were not merged, counted with those that became them."""
        namings, entities = self.namings(), self.entities()
        found = {}
        for entity, called in entities.items():
            if self.end(entity) == entity:
                own = [one for one in namings if one.entity == entity or one.entity in self.members(entity)]
                found[entity] = replace(
                    called,
                    mentions=sum(one.times for one in own if one.kind),
                    documents=len({one.document_id for one in own}),
                )
        return found


def names_in(sentence: str) -> list[str]:
    """Words with a capital."""
    return [word.rstrip(".") for word in sentence.split() if word[0].isupper()]


def triple_in(sentence: str) -> Triple | None:
    """Of a sentence of three words."""
    words = sentence.rstrip(".").split()
    return (words[0], words[1], words[2]) if len(words) == 3 else None


def most(namings: list[Naming], what: str) -> str | None:
    """The most frequent name or kind; in a tie the first by its bytes."""
    counted: Counter[str] = Counter()
    for one in namings:
        counted[getattr(one, what)] += one.times
    return min(counted, key=lambda value: (-counted[value], value.encode()), default=None)
