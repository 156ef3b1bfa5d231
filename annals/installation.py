"""What runs for a data folder, or is given by address: found, or started for the length of a command."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from annals.addresses import without_password
from annals.embedded.postgres import EmbeddedPostgres
from annals.errors import NothingThereError
from annals.keeper import servers
from annals.pipeline import pipeline
from annals.settings import Settings
from annals.supervision.state import State, read_state
from eventstore.errors import StoreUnavailableError
from eventstore.migrations import is_made


@dataclass(frozen=True)
class Installation:
    """What runs for a data folder, or is given by address.

    `own`: it ends with its users, of which this command is one.
    """

    settings: Settings
    state: State
    own: bool


@contextlib.asynccontextmanager
async def installation(
    settings: Settings, *, processing: bool = False, new: bool = False
) -> AsyncIterator[Installation]:
    """Use what runs for this data folder, else start the database, and for `processing` the pipeline too.

    What was started ends with its last user. With PostgreSQL and Kafka given by address, nothing is started: whoever
    runs those runs the roles as well. A data folder, or a database given by address, that holds nothing yet is made
    something of where `new` says so, and refused else: it may be a wrong one.

    Raises AnnalsError.
    """
    state = read_state(settings.data)
    if state is None and not new and settings.postgres is None and not EmbeddedPostgres(settings.data).is_made:
        raise NothingThereError(
            f"there is nothing in the data folder {settings.data}: take documents in with `annals ingest`, "
            "or name the folder that holds them by --data"
        )
    if not new and settings.postgres is not None:
        await _require_log(settings.postgres.get_secret_value())
    async with contextlib.AsyncExitStack() as stack:
        if settings.postgres is None or settings.broker is None:
            state = await stack.enter_async_context(servers(settings, processed=processing))
        elif state is None:
            state = pipeline(settings, roles=()).state
        # Whoever started it chose where the read models are.
        yield Installation(settings.model_copy(update={"profile": state.profile}), state, state.keeper)


async def _require_log(dsn: str) -> None:
    """Raises NothingThereError. Whether a server that does not answer has one, is seen when it is used."""
    with contextlib.suppress(StoreUnavailableError):
        if not await is_made(dsn):
            raise NothingThereError(
                f"PostgreSQL at {without_password(dsn)} holds no log yet: take documents in with `annals ingest`, "
                "start `annals up`, or name the database that holds them by ANNALS_POSTGRES"
            )
