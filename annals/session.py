"""What a command works with: what is up already, or what it starts for its own length."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from annals.settings import Settings

if TYPE_CHECKING:  # all use cases take most of a second to import: not for a command's help, nor beside a gateway
    from annals.composition.use_cases import UseCases
    from annals.supervision.state import State


@dataclass(frozen=True)
class Session:
    """Use cases, and what runs around them. `own`: it ends with its users, of which this command is one."""

    use_cases: "UseCases"
    state: "State"
    own: bool


@contextlib.asynccontextmanager
async def session(
    settings: Settings, *, processing: bool = False, read_models: bool = True, new: bool = False
) -> AsyncIterator[Session]:
    """An installation with its use cases opened.

    `read_models`: have them, in today's schema; a replay makes them itself, and the log alone needs none.

    Raises AnnalsError (ForeignServerError among them), StoreUnavailableError, OldSchemaError.
    """
    from annals.composition.use_cases import open_use_cases
    from annals.installation import installation

    async with (
        installation(settings, processing=processing, new=new) as found,
        open_use_cases(
            found.settings,
            found.state.addresses["postgres"],
            broker=found.state.addresses.get("broker"),
            read_models=read_models,
        ) as use_cases,
    ):
        yield Session(use_cases, found.state, found.own)
