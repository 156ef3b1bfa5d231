"""`annals replay --as-of`: read models as they were, under a name."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from annals.cli.context import CommandContext
from annals.cli.jobs import run_job
from annals.cli.words import counted
from annals.session import session
from services.deadline import Deadline
from services.operations.rebuilding import COUNT_LIMIT_S, REBUILD_LIMIT_S
from services.past.generations import EXPIRES_S, check_name
from services.past.moments import moment_of, seconds_of


async def make(context: CommandContext, names: Sequence[str], as_of: str, name: str, expires: str | None) -> None:
    """Make them, and tell what was made."""
    check_name(name)
    moment = moment_of(as_of, datetime.now(UTC))
    expires_s = EXPIRES_S if expires is None else seconds_of(expires)
    began = time.monotonic()
    address = context.named_gateway()
    if address is not None:
        wanted = {
            "name": name,
            # How long ago is of our clock, and a date of our zone's: what it stands for is said.
            "moment": str(moment) if isinstance(moment, int) else moment.isoformat(),
            "read_models": list(names),
            "expires_seconds": expires_s,
        }
        job = await run_job(context, address, "/projections/past", wanted, f"making {name}", "aggregates")
        made = job["result"]
    else:
        made = await _make_here(context, names, name, moment, expires_s)
    seconds = round(time.monotonic() - began, 2)
    for read_model, rows in made["rows"].items():
        context.say(f"{read_model}: {counted(rows, 'row')}")
    recorded = made["recorded_at"]
    when = "before the first event" if recorded is None else _time(recorded)
    context.say(f"{name} is as of position {made['position']} ({when}), made in {seconds} s")
    if made["expires_at"] is not None:
        context.say(f"it is kept until {_time(made['expires_at'])}; ask it: annals ask --at {name} QUESTION")
    context.give({**made, "seconds": seconds})


async def _make_here(
    context: CommandContext, names: Sequence[str], name: str, moment: int | datetime, expires_s: float
) -> dict[str, Any]:
    async with session(context.settings) as opened:
        rebuilding = opened.use_cases.operations.rebuilding
        total = await rebuilding.aggregates(names, deadline=Deadline.after(COUNT_LIMIT_S))
        with context.progress(f"making {name}", total, "aggregates") as done:
            made = await opened.use_cases.past.generations.make(
                context.caller,
                name,
                moment,
                names,
                done,
                expires_s=expires_s,
                deadline=Deadline.after(REBUILD_LIMIT_S),
            )
    return {
        "name": name,
        "position": made.position,
        "recorded_at": None if made.recorded_at is None else made.recorded_at.isoformat(),
        "expires_at": None if made.expires_at is None else made.expires_at.isoformat(),
        "rows": made.rows,
    }


def _time(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M:%S %Z}"
