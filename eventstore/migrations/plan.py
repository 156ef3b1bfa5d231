"""Which migrations a database still needs: the same for every database, whatever the steps are written in."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from eventstore.errors import MissingMigrationError, UnknownMigrationError


class Numbered(Protocol):
    """A migration: its number orders it, its name says what it does."""

    @property
    def number(self) -> int:
        """From 1 on, without a gap."""
        ...

    @property
    def name(self) -> str:
        """Never changed once a release has it."""
        ...


Step = TypeVar("Step", bound=Numbered)


def dense(migrations: Sequence[Step]) -> Sequence[Step]:
    """The migrations as they are. Raises ValueError where they are not numbered 1, 2, 3 and so on in this order."""
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"migrations are numbered 1, 2, 3 and so on without a gap, not {numbers}")
    return migrations


def pending(known: Sequence[Step], applied: Mapping[int, str], server: str) -> list[Step]:
    """Those of `known` that are not among the `applied` (number to name), in order. `server` names it in messages.

    Raises UnknownMigrationError for a database that a newer Annals changed, MissingMigrationError for one that lacks
    a migration behind which others were applied.
    """
    names = {migration.number: migration.name for migration in known}
    for number, name in sorted(applied.items()):
        if names.get(number) != name:
            raise UnknownMigrationError(f"{server} has migration {name!r}, which this Annals does not know; update it")
    todo = [migration for migration in known if migration.number not in applied]
    if todo and applied and todo[0].number < max(applied):
        raise MissingMigrationError(
            f"{server} lacks migration {todo[0].name!r} although later ones were applied; restore it from a backup"
        )
    return todo


def label(migration: Numbered) -> str:
    """Number and name, as files and logs have them."""
    return f"{migration.number:04d}_{migration.name}"
