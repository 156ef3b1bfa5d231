"""What people decided of entities, as the graph is read with it. Pure.

A merged entity stands for the one it was merged into, over however many merges; the names that people gave any of them
are its names; one that was called no entity leads nowhere.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.folding import name_key
from contracts.merges import ends
from projections.graph.reads import Edge, GraphSnapshot, Mention, Node, Statement, Subject

SubjectRow = tuple[str, str, str, float]
MentionRow = tuple[str, str, str, int]
StatementRow = tuple[Any, ...]
"""The fields of a Statement."""
DecisionRow = tuple[str, str | None, Collection[str], bool | None]
"""Entity, what it was merged into, the names that people gave it, and whether they called it one."""


@dataclass(frozen=True)
class Decided:
    """`merged`: for each entity that was merged the one it became; `names`: what people call the others."""

    merged: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rejected: frozenset[str] = frozenset()

    @staticmethod
    def of_rows(rows: Iterable[DecisionRow], there: Collection[str] | None = None) -> "Decided":
        """`there`: the entities that a reader may know of; a merge is told where he knows both of its ends."""
        decided = list(rows)
        merged = ends({one: into for one, into, _, _ in decided if into is not None})
        if there is not None:
            merged = {old: into for old, into in merged.items() if old in there and into in there}
        names: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for one, _, given, _ in decided:
            if there is None or one in there:
                names[merged.get(one, one)].update(dict.fromkeys(given))
        rejected = {one for one, _, _, valid in decided if valid is False and one not in merged}
        return Decided(merged, {one: tuple(given) for one, given in names.items() if given}, frozenset(rejected))

    def of(self, entity: str) -> str:
        """The entity that it became."""
        return self.merged.get(entity, entity)

    def resolved(self, node: Node) -> Node:
        """What became of it: edges never end at an entity that was merged into another."""
        return Node(node.kind, self.of(node.id)) if node.kind == "entity" else node

    def members(self, entities: Collection[str]) -> dict[str, str]:
        """Every entity that was merged into one of these, with that one."""
        return {old: into for old, into in self.merged.items() if into in entities}

    def subjects(self, rows: Iterable[SubjectRow]) -> Iterator[Subject]:
        """Under the names that documents and people gave."""
        for entity, name, chunk, quality in rows:
            one = self.of(entity)
            if one not in self.rejected:
                for own in dict.fromkeys((name, *self.names.get(one, ()))):
                    yield Subject(one, own, chunk, quality)

    def mentions(self, rows: Iterable[MentionRow]) -> Iterator[Mention]:
        """Under the names that documents and people gave."""
        if not self.merged and not self.names and not self.rejected:
            yield from map(Mention._make, rows)
            return
        for entity, name, chunk, times in rows:
            one = self.of(entity)
            if one not in self.rejected:
                for own in dict.fromkeys((name, *self.names.get(one, ()))):
                    yield Mention(one, own, chunk, times)

    def statements(self, rows: Iterable[StatementRow]) -> Iterator[Statement]:
        """Between entities that nobody rejected."""
        for row in map(Statement._make, rows):
            both = self.of(row.subject_id), self.of(row.object_id)
            if self.rejected.isdisjoint(both):
                yield row._replace(subject_id=both[0], object_id=both[1])

    def snapshot(
        self, subjects: Iterable[SubjectRow], mentions: Iterable[MentionRow], statements: Iterable[StatementRow]
    ) -> GraphSnapshot:
        """What passages say, as people see it; each once."""
        if not self.rejected:
            return self._accepted(subjects, mentions, statements)
        about, held = list(subjects), list(mentions)
        accepted = self._accepted(about, held, statements)
        others = {one.name for one in accepted.subjects} | {one.name for one in accepted.mentions}
        rejected = {name for entity, name, *_ in (*about, *held) if self.of(entity) in self.rejected}
        return replace(accepted, rejected=sorted(rejected - others))

    def _accepted(
        self, subjects: Iterable[SubjectRow], mentions: Iterable[MentionRow], statements: Iterable[StatementRow]
    ) -> GraphSnapshot:
        return GraphSnapshot(
            subjects=list(dict.fromkeys(self.subjects(subjects))),
            mentions=list(dict.fromkeys(self.mentions(mentions))),
            statements=list(self.statements(statements)),
        )

    def edges(self, rows: Iterable[tuple[Node, str, Node]]) -> list[Edge]:
        """Each once, without those at an entity that was rejected."""
        found = dict.fromkeys(Edge(self.resolved(one), label, self.resolved(other)) for one, label, other in rows)
        return [edge for edge in found if self.rejected.isdisjoint(self._entities(edge))]

    def called(self, keys: Collection[str]) -> dict[str, list[str]]:
        """Entities by the names of these keys that people gave them, with these names."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for entity, names in self.names.items():
            for name in names:
                if entity not in self.rejected and name_key(name) in keys:
                    found[entity].append(name)
        return dict(found)

    def named(
        self,
        rows: Iterable[SubjectRow],
        others: Iterable[SubjectRow],
        names: Mapping[str, Collection[str]],
        most: int,
    ) -> list[Subject]:
        """`rows` have a name that is looked for; `others` are of the entities that people call so, by `names`."""
        found = [Subject(self.of(row[0]), *row[1:]) for row in rows if self.of(row[0]) not in self.rejected]
        of: defaultdict[str, list[SubjectRow]] = defaultdict(list)
        for row in others:
            of[self.of(row[0])].append(row)
        for entity, called in names.items():
            best = sorted(of[entity], key=lambda row: (-row[3], row[2], row[0], row[1]))[:most]
            found.extend(Subject(entity, name, row[2], row[3]) for name in called for row in best)
        return list(dict.fromkeys(found))

    def mentioned(self, rows: Iterable[MentionRow], keys: Collection[str], most: int) -> list[Mention]:
        """Of each entity at most `most` passages, under the name there, and under those of `keys` that people gave."""
        names = self.called(keys)
        found: defaultdict[str, list[Mention]] = defaultdict(list)
        for row in rows:
            found[self.of(row[0])].append(Mention(self.of(row[0]), *row[1:]))
        kept = [one for of in found.values() for one in sorted(of, key=lambda one: (one.chunk_id, one.name))[:most]]
        given = [one._replace(name=name) for one in kept for name in names.get(one.entity_id, ())]
        return list(dict.fromkeys([*kept, *given]))

    @staticmethod
    def _entities(edge: Edge) -> set[str]:
        return {node.id for node in (edge.source, edge.target) if node.kind == "entity"}
