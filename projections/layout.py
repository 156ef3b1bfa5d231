"""How a read model lies in PostgreSQL: its tables and its SQL files."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from projections.tables import VERSIONS, Table


@dataclass(frozen=True)
class Layout:
    """How one read model lies in PostgreSQL. `shape` grows with each change of its tables.

    `entities` names the columns that hold entity ids, where a table of entities derives from them.
    """

    name: str
    shape: int
    tables: tuple[Table, ...]
    entities: tuple[tuple[str, str], ...] = ()

    def sql(self, file: str, schema: str) -> str:
        """One of the read model's SQL files, for a schema."""
        return _read(self.name, file).replace("{schema}", schema)

    @property
    def compared(self) -> tuple[str, ...]:
        """Tables whose rows follow from the events alone: the same in every generation at the same versions."""
        derived = ("entities",) if self.entities else ()
        return (*(table.name for table in self.tables), *derived, VERSIONS.name)

    def table(self, name: str) -> Table:
        """By name."""
        return next(table for table in self.tables if table.name == name)


@cache
def _read(folder: str, file: str) -> str:
    return (files("projections") / folder / file).read_text("utf-8")
