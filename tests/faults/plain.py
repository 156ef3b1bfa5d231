"""What Annals should know, as plain dictionaries: documents as they were told, and what people decided of entities.

Nothing is folded here and nothing is kept by difference: whatever is asked is worked out from the whole of it.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from contracts.ids import entity_id
from tests.faults.cutting import Correction, Cut
from tests.faults.light import EXTRACTORS
from tests.faults.told import (
    CONFIDENCE,
    Called,
    Content,
    Decision,
    Naming,
    Said,
    Stated,
    Told,
    Triple,
    most,
)


@dataclass
class PlainTenant:
    """All of one tenant. `told` has the documents that are there; `decided` each entity's decisions, the last behind.

    `contents` has what each document was since it was last erased, as far as that was not undone; `said` what people
    said of its relations, which is kept until a document that was deleted is taken in anew. `held` is every content
    that a document ever had, until it is erased, `found` every name that any model found in it. `named` are the
    entities that models mention in its present content: what rules compare. `shown`: the model of entities of whose
    findings the read models are made, where it read the document. `cuts` has the chunks of each, `forgotten` what
    people corrected in those of one that is deleted, which comes back with it alone. `assigned` is what rules said, as
    the log has it: when they say so is tested with them.
    """

    tenant: str
    told: dict[str, Told] = field(default_factory=dict)
    contents: dict[str, list[Content]] = field(default_factory=dict)
    held: dict[str, list[Told]] = field(default_factory=dict)
    found: dict[str, set[str]] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=dict)
    shown: str = EXTRACTORS[0]
    said: dict[tuple[str, Triple], Said] = field(default_factory=dict)
    decided: dict[str, list[Decision]] = field(default_factory=dict)
    assigned: dict[str, str] = field(default_factory=dict)
    cuts: dict[str, Cut] = field(default_factory=dict)
    forgotten: dict[str, list[Correction]] = field(default_factory=dict)

    def id_of(self, name: str) -> str:
        """The entity that documents mean by a name, where nobody said otherwise."""
        return entity_id(self.tenant, name)

    # What happens.

    def tell(self, document_id: str, told: Told, event: UUID | None = None) -> None:
        """Taken in, or anew."""
        before = self.told.get(document_id)
        if before == told:
            return
        if before is None:
            self.said = {key: said for key, said in self.said.items() if key[0] != document_id}
            self.cuts[document_id] = Cut(self.tenant, document_id, told)
        self.cuts[document_id].take(told)
        self.told[document_id] = told
        self.contents.setdefault(document_id, []).append(Content(event, told, before is None))
        self.held.setdefault(document_id, []).append(told)

    def forget(self, document_id: str, event: UUID | None = None) -> None:
        """Deleted; what people said of its relations comes back with it alone."""
        if self.told.pop(document_id, None) is not None:
            self.contents[document_id].append(Content(event, None, first=False))
            self.named.pop(document_id, None)
            cut = self.cuts[document_id]
            self.forgotten[document_id], cut.corrections, cut.pieces = cut.corrections, [], []

    def read(self, document_id: str, model: str, *, first: bool) -> None:
        """A model of entities reads what the document is now; `first`: as it came in, else beside the first one."""
        cut = self.cuts[document_id]
        cut.read(model, first=first)
        found = [own for _, own in cut.found(model)]
        self.found.setdefault(document_id, set()).update({cut.told.title}, *(own.called for own in found))
        # One that people said means another entity is none of the rules' business.
        mentioned = {self.id_of(name) for own in found for name, *_ in own.names if self._is_free(document_id, name)}
        self.named[document_id] = mentioned if first else self.named[document_id] | mentioned

    def _is_free(self, document_id: str, name: str) -> bool:
        return self.meant(document_id, name) == self.id_of(name)

    def restore(self, document_id: str) -> None:
        """What happened to it last did not happen."""
        if self.contents[document_id].pop().told is None:
            self.cuts[document_id].corrections = self.forgotten.pop(document_id)
        told = self.contents[document_id][-1].told
        assert told is not None, "nothing is deleted or changed that is not there"
        self.told[document_id] = told
        self.cuts[document_id].take(told)

    def erase(self, documents: Collection[str], entities: Collection[str]) -> None:
        """Nothing is left of these; what was decided of others stays, but for where it speaks of these documents."""
        for document_id in documents:
            for known in (self.told, self.contents, self.held, self.found, self.named, self.cuts, self.forgotten):
                known.pop(document_id, None)
        self.said = {key: said for key, said in self.said.items() if key[0] not in documents}
        for entity in entities:
            self.decided.pop(entity, None)
            self.assigned.pop(entity, None)
        for entity, made in self.decided.items():
            self.decided[entity] = [replace(one, documents=one.documents - set(documents)) for one in made]

    def only_in(self, documents: Collection[str], also: Collection[str] = ()) -> set[str]:
        """The entities that these documents ever named, by whichever model, or were said to mean, and others, if no
        other document names them: as it is shown, or by any model that read its present content.
        """
        ever = {self.id_of(name) for document_id in documents for name in self.found.get(document_id, ())}
        for entity, made in self.decided.items():
            for one in made:
                if one.what == "split" and one.documents & set(documents):
                    ever |= {entity, one.to}
        others = {one.entity for one in self.namings() if one.document_id not in documents}
        others |= {entity for document_id, own in self.named.items() if document_id not in documents for entity in own}
        return (ever | {*also}) - others

    def decide(self, entity: str, decision: Decision) -> None:
        """One more."""
        self.decided.setdefault(entity, []).append(decision)

    def undo(self, entity: str, number: int = -1) -> None:
        """A decision on it, by default the last one; where there is none, what rules said."""
        made = self.decided.get(entity)
        if not made:
            self.assigned.pop(entity, None)
            return
        undone = made.pop(number)
        if undone.what == "split":
            self.decided.pop(undone.to, None)

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

    def is_grown(self, split_off: str) -> bool:
        """Whether others became what was split off, or it was split itself."""
        return bool(self.members(split_off)) or any(one.what == "split" for one in self.decided.get(split_off, ()))

    def chunks(self, document_id: str) -> list[tuple[str, int, int, str]]:
        """Id, start, end and text of each."""
        text = self.told[document_id].text
        return [(one.chunk, one.start, one.end, text[one.start : one.end]) for one in self.cuts[document_id].pieces]

    def mentions(self) -> Iterator[Naming]:
        """Each name in each sentence."""
        for document_id in self.told:
            for piece, found in self.cuts[document_id].found(self.shown):
                for (name, kind), times in Counter((name, kind) for name, kind, _ in found.names).items():
                    yield Naming(document_id, self.meant(document_id, name), name, kind, piece.chunk, times)

    def titles(self) -> Iterator[Naming]:
        """Each chunk is about the title."""
        for document_id, told in self.told.items():
            for chunk, *_ in self.chunks(document_id):
                yield Naming(document_id, self.meant(document_id, told.title), told.title, "", chunk)

    def relations(self) -> Iterator[Stated]:
        """Each sentence of subject, verb and object; the id of a name follows from `meant`."""
        for document_id in self.told:
            for piece, found in self.cuts[document_id].found(self.shown):
                for triple, (start, end) in found.stated:
                    said = self.said.get((document_id, triple), Said())
                    verb, confidence = (said.verbs or [(None, triple[1], CONFIDENCE)])[-1][1:]
                    valid = said.judgements[-1][1] if said.judgements else None
                    yield Stated(document_id, triple[0], verb, triple[2], piece.chunk, start, end, valid, confidence)

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
