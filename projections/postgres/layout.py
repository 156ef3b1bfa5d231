"""How a read model lies in PostgreSQL: its tables and its SQL files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files

from projections.changes import Change
from projections.postgres.tables import VERSIONS, Naming, Table


class Count(StrEnum):
    """A column of entities that counts the rows that name one, or in how many documents or chunks they are. Of all
    documents it has to be the sum of what it is of each."""

    TYPED_ROWS = "typed rows"
    DOCUMENTS = "documents"
    CHUNKS = "chunks"


@dataclass(frozen=True)
class Layout:
    """How one read model lies in PostgreSQL. `schema_version` grows with each change of its tables.

    Where rows name entities (`names`), tables of entities and of their names derive from them and from the table
    `decisions`; `counts` are the entities' columns that count those rows. `counted` are the tables that a store of its
    own derives from the rows.
    """

    name: str
    schema_version: int
    tables: tuple[Table, ...]
    names: tuple[Naming, ...] = ()
    counts: Mapping[str, Count] = field(default_factory=dict)
    counted: tuple[str, ...] = ()

    def sql(self, file: str, schema: str) -> str:
        """One of the read model's SQL files, for a schema."""
        return _read(self.name, file).replace("{schema}", schema)

    @property
    def entities(self) -> tuple[tuple[str, str], ...]:
        """The columns that hold entity ids, by table; none where no entities derive."""
        decided = (("decisions", "entity_id"),) if self.names else ()
        return (*((one.table, one.id) for one in self.names), *decided)

    @property
    def compared(self) -> tuple[str, ...]:
        """Tables whose rows follow from the events alone: the same in every generation at the same versions."""
        derived = ("entity_names", "entities") if self.names else ()
        return (*(table.name for table in self.tables), *derived, *self.counted, VERSIONS.name)

    def named(self, changes: Iterable[Change]) -> set[tuple[str, str]]:
        """Tenant and id of the entities that new rows speak of."""
        columns = [(table, self.table(table).columns.index(column)) for table, column in self.entities]
        return {
            (change.key.tenant, row[index])
            for change in changes
            for table, index in columns
            for row in change.sections.get(table, ())
        }

    def table(self, name: str) -> Table:
        """By name."""
        return next(table for table in self.tables if table.name == name)


@cache
def _read(folder: str, file: str) -> str:
    return (files("projections") / folder / file).read_text("utf-8")
