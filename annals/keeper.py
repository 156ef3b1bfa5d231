"""Servers for commands where nothing is up: a process of their own keeps them running until their last user is gone.

So a command that ends, is stopped or is killed takes nothing from another one.
"""

import asyncio
import contextlib
import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from annals.pipeline import pipeline, processing
from annals.roles import ROLES
from annals.settings import Settings, load_settings
from annals.settings_environment import settings_environment
from annals.supervision.state import AlreadyUpError, State, holder, read_state
from annals.supervision.supervisor import Supervisor
from annals.supervision.users import POLL_S, Users
from contracts.errors import AnnalsError

log = logging.getLogger(__name__)

START_LIMIT_S = 300.0


@contextlib.asynccontextmanager
async def servers(settings: Settings, *, processed: bool) -> AsyncIterator[State]:
    """Use the servers of the data folder, and start a keeper of them where nothing keeps them running.

    `processed`: with all roles. Raises AnnalsError.
    """
    users = Users(settings.data)
    try:
        await users.join(processing=processed)
        yield await _ready(settings, processed)
    finally:
        await users.leave()


async def _ready(settings: Settings, processed: bool) -> State:
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end:
        state = read_state(settings.data)
        if state is not None and state.ready and (not processed or not state.processes.keys().isdisjoint(ROLES)):
            return state
        if holder(settings.data) is None:
            await _start(settings)
        else:
            await asyncio.sleep(POLL_S)
    raise AnnalsError(f"what runs for {settings.data} is not ready after {START_LIMIT_S:.0f} s; see the logs there")


async def _start(settings: Settings) -> None:
    """Returns once the keeper's servers are ready, or another one keeps them. Raises AnnalsError."""
    logs = settings.data / "logs"
    logs.mkdir(exist_ok=True)
    with (logs / "keeper.log").open("ab") as output:
        # Not by asyncio, which kills what its loop started when the loop closes.
        process = subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-m", "annals.keeper"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            env=settings_environment(settings),
            start_new_session=True,  # the terminal's ctrl-C is for its user alone
        )
    assert process.stdout is not None
    answer = await asyncio.to_thread(process.stdout.readline)
    if not answer:
        raise AnnalsError(f"the servers' keeper ended while starting (log: {logs / 'keeper.log'})")
    error = json.loads(answer)
    if error is not None:
        raise AnnalsError(error)


async def keep(settings: Settings) -> None:
    """Keep the servers running until nobody uses them. Says on stdout, as JSON, why they cannot start, or null."""
    users = Users(settings.data)
    running = asyncio.create_task(_run(settings, users))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    while not running.done() and not users.take_over():
        await asyncio.wait([running], timeout=POLL_S)
    # Whoever waits for the end of the servers then finds this process gone as well.
    users.hold_until_exit()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _run(settings: Settings, users: Users) -> None:
    wanted = users.processing_wanted()
    supervisor = pipeline(settings, roles=ROLES if wanted else (), keeper=True)
    try:
        await supervisor.start()
    except AlreadyUpError:
        return _say(None)
    except AnnalsError as error:
        return _say(str(error))
    _say(None)
    try:
        if not wanted:
            await _process_when_wanted(settings, users, supervisor)
        await asyncio.Event().wait()
    except AnnalsError as error:
        log.error("%s", error)
    finally:
        await supervisor.stop()


async def _process_when_wanted(settings: Settings, users: Users, supervisor: Supervisor) -> None:
    while not users.processing_wanted():  # noqa: ASYNC110  # another process's lock tells nobody
        await asyncio.sleep(POLL_S)
    await supervisor.add(*processing(settings, supervisor.state.addresses["postgres"]))


def _say(answer: Any) -> None:
    """To whoever started this process, if it still listens."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(keep(load_settings()))
