"""How often documents give an entity which name and type, and in how many passages; kept by difference. Pure.

The same rule as in `projections/postgres/entities.py`: the most frequent name wins, in a tie the first by its bytes; of
the types that documents say likewise.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from projections.changes import Change
from projections.graph.model import LAYOUT

EntityKey = tuple[str, str]
"""Tenant and entity id."""


class NamingRow(NamedTuple):
    """One row of a document that names an entity. A relation is two, as it names two. No type is an empty one."""

    table: str
    tenant: str
    document_id: str
    entity_id: str
    name: str
    type: str
    chunk_id: str

    @property
    def entity(self) -> EntityKey:
        """Whom it names."""
        return self.tenant, self.entity_id


@dataclass(frozen=True, slots=True)
class EntityNames:
    """What rows say of one entity: how often which (name, type), and the number of passages that they lie in."""

    times: Counter[tuple[str, str]] = field(default_factory=Counter)
    passages: int = 0

    def __bool__(self) -> bool:
        return bool(self.times) or self.passages != 0

    def plus(self, other: "EntityNames", sign: int = 1) -> "EntityNames":
        """Both together, or, with `sign` -1, the difference; a name that is said no more is left out."""
        times = Counter(self.times)
        for key, count in other.times.items():
            times[key] += sign * count
        return EntityNames(
            Counter({key: count for key, count in times.items() if count}), self.passages + sign * other.passages
        )

    @property
    def name(self) -> str | None:
        """The most frequent one."""
        return _most((name, count) for (name, _), count in self.times.items())

    @property
    def type(self) -> str | None:
        """The most frequent one that is said."""
        return _most((kind, count) for (_, kind), count in self.times.items() if kind)


def naming_rows(changes: Iterable[Change]) -> Iterator[NamingRow]:
    """What the new rows of these changes say."""
    for naming in LAYOUT.names:
        columns = LAYOUT.table(naming.table).columns
        id_, name, chunk = (columns.index(column) for column in (naming.id, naming.name, "chunk_id"))
        kind = columns.index(naming.type) if naming.type else None
        for change in changes:
            for row in change.sections.get(naming.table, ()):
                yield NamingRow(
                    naming.table, row[0], row[1], row[id_], row[name], "" if kind is None else row[kind], row[chunk]
                )


def differences(changes: Sequence[Change], before: Iterable[NamingRow]) -> dict[EntityKey, EntityNames]:
    """What changes for each entity that is spoken of, by rows that are replaced or by those that replace them.

    `before`: all rows of the changed documents as they are stored, also of sections that no change names. An entity
    whose rows are replaced by like ones is there with no difference.
    """
    replaced = {(*change.key, table) for change in changes for table in change.sections}
    old: list[NamingRow] = []
    kept: list[NamingRow] = []
    for row in before:
        is_replaced = (row.tenant, "document", row.document_id, row.table) in replaced
        (old if is_replaced else kept).append(row)
    new = list(naming_rows(changes))
    touched = {row.entity for row in old} | {row.entity for row in new}
    before_of, now_of = _names_of([*old, *kept]), _names_of([*new, *kept])
    none = EntityNames()
    return {key: now_of.get(key, none).plus(before_of.get(key, none), -1) for key in touched}


def _names_of(rows: Iterable[NamingRow]) -> dict[EntityKey, EntityNames]:
    times: dict[EntityKey, Counter[tuple[str, str]]] = defaultdict(Counter)
    # Ids of passages are unique within a tenant, so counts of several documents add up.
    passages: dict[EntityKey, set[str]] = defaultdict(set)
    for row in rows:
        times[row.entity][row.name, row.type] += 1
        passages[row.entity].add(row.chunk_id)
    return {key: EntityNames(times[key], len(passages[key])) for key in times}


def _most(counted: Iterable[tuple[str, int]]) -> str | None:
    total: Counter[str] = Counter()
    for value, count in counted:
        total[value] += count
    return min(total, key=lambda value: (-total[value], value.encode()), default=None)
