"""What a command works with: what is up already, or what it starts for its own length."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from annals.composition import Services, open_read_models, open_services
from annals.embedded.postgres import EmbeddedPostgres
from annals.errors import NothingThereError
from annals.pipeline import pipeline
from annals.roles import ROLES
from annals.settings import Settings
from annals.supervision.state import State, read_state


@dataclass(frozen=True)
class Installation:
    """What runs for a data folder, or is given by address. `own`: this command started it and will stop it."""

    settings: Settings
    state: State
    own: bool


@dataclass(frozen=True)
class Session:
    """Opened services, and what runs around them. `own`: this command started it and will stop it."""

    services: Services
    state: State
    own: bool


@contextlib.asynccontextmanager
async def installation(
    settings: Settings, *, processing: bool = False, new: bool = False
) -> AsyncIterator[Installation]:
    """Use what keeps this data folder running, else start the database, and for `processing` the pipeline too.

    With PostgreSQL and Kafka given by address, nothing is started: whoever runs those runs the roles as well. A data
    folder that holds nothing yet is made where `new` says so, and refused else: it may be a wrong one.

    Raises AnnalsError.
    """
    async with contextlib.AsyncExitStack() as stack:
        state = read_state(settings.data)
        # Where all is given by address nothing is ours, and any number of commands may run at once.
        elsewhere = settings.postgres is not None and settings.broker is not None
        own = state is None and not elsewhere
        if state is None:
            if not new and settings.postgres is None and not EmbeddedPostgres(settings.data).is_made:
                raise NothingThereError(
                    f"there is nothing in the data folder {settings.data}: take documents in with `annals ingest`, "
                    "or name the folder that holds them by --data"
                )
            supervisor = pipeline(settings, roles=ROLES if processing and own else ())
            if own:
                await supervisor.start()
                stack.push_async_callback(supervisor.stop)
            state = supervisor.state
        # Whoever started it chose where the read models are.
        yield Installation(settings.model_copy(update={"profile": state.profile}), state, own)


@contextlib.asynccontextmanager
async def session(
    settings: Settings, *, processing: bool = False, read_models: bool = True, new: bool = False
) -> AsyncIterator[Session]:
    """An installation with its services opened.

    `read_models`: have them, in today's schema; a replay makes them itself, and the log alone needs none.

    Raises AnnalsError (ForeignServerError among them), StoreUnavailableError, OldSchemaError.
    """
    async with (
        installation(settings, processing=processing, new=new) as found,
        open_services(found.settings, found.state.addresses["postgres"]) as services,
    ):
        if read_models:
            await open_read_models(services)
        yield Session(services, found.state, found.own)
