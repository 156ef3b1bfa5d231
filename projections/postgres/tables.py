"""Tables of a read model in PostgreSQL, named once for COPY, DELETE and comparison."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """`owner` is the column that holds the id of the aggregate whose rows these are; rows begin with the tenant.

    `analysed`: the columns by which rows are looked for, where the others take long to read and no index is of an
    expression that is compared: of these alone statistics are taken, and before there are indexes. Without it of all,
    afterwards.
    """

    name: str
    owner: str
    columns: tuple[str, ...]
    analysed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Naming:
    """A table whose rows name an entity, by the columns with its id, the name, and its type where they say one."""

    table: str
    id: str
    name: str
    type: str | None = None


VERSIONS = Table("versions", "aggregate_id", ("tenant", "kind", "aggregate_id", "version"))
