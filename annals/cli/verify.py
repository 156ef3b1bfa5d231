"""`annals verify`."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.composition.checkpoints import checkpoint_folder
from annals.session import session
from projections.verify import Verdict
from services.deadline import Deadline
from services.operations.log_verification import VERIFY_LIMIT_S
from services.operations.progress import READ_MODELS
from services.operations.rebuilding import COUNT_LIMIT_S, REBUILD_LIMIT_S
from services.security.checkpoints import read_checkpoints


@click.command("verify")
@click.option("--log", "of_log", is_flag=True, help="The log: whether each event is as it was appended.")
@click.option(
    "--checkpoints",
    metavar="FOLDER",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="With --log: checkpoints that were kept elsewhere.",
)
@common
def command(context: CommandContext, of_log: bool, checkpoints: Path | None) -> None:
    """Build each read model again beside the live one and compare digests.

    Exit code 0 when all are the same, 1 when one differs; the first difference is then named.

    With --log, make the log's chain of hashes anew instead: it covers every event's stored bytes, its position and the
    time when it was recorded. It is compared with the signed checkpoints of the database, of the folder where they are
    kept outside of it, and of --checkpoints. Exit code 1 where an event was changed, removed, put in or moved; the
    first one's position is then named.
    """
    if checkpoints is not None and not of_log:
        raise click.UsageError("--checkpoints goes with --log")
    if of_log:
        if not run_async(lambda: _verify_log(context, checkpoints)):
            sys.exit(1)
        return
    verdicts = run_async(lambda: _verify(context))
    if any(verdict.difference is not None for verdict in verdicts):
        sys.exit(1)


async def _verify(context: CommandContext) -> list[Verdict]:
    verdicts = []
    async with session(context.settings) as opened:
        service = opened.use_cases.operations.rebuilding
        for name in READ_MODELS:
            total = await service.aggregates([name], deadline=Deadline.after(COUNT_LIMIT_S))
            with context.progress(f"verifying {name}", total, "aggregates") as done:
                verdicts.append(
                    await service.verify(context.caller, name, done, deadline=Deadline.after(REBUILD_LIMIT_S))
                )
    for verdict in verdicts:
        outcome = "is what the events say" if verdict.difference is None else f"DIFFERS: {verdict.difference}"
        context.say(f"{verdict.name} ({counted(verdict.rows, 'row')}) {outcome}")
    if any(verdict.difference is not None for verdict in verdicts):
        context.note("`annals replay NAME` builds a read model anew")
    context.give(
        {"same": all(v.difference is None for v in verdicts), "projections": [asdict(verdict) for verdict in verdicts]}
    )
    return verdicts


async def _verify_log(context: CommandContext, elsewhere: Path | None) -> bool:
    outside = [*read_checkpoints(checkpoint_folder(context.settings))]
    if elsewhere is not None:
        outside += read_checkpoints(elsewhere)
    async with session(context.settings, read_models=False) as opened:
        service = opened.use_cases.operations.log
        total = await service.count(context.caller, deadline=Deadline.after(COUNT_LIMIT_S))
        with context.progress("verifying the log", total, "events") as done:
            found = await service.verify(context.caller, done, outside=outside, deadline=Deadline.after(VERIFY_LIMIT_S))
    context.say(f"{counted(found.checked, 'event')} as appended, up to position {found.position}: {found.head.hex()}")
    if found.checkpoints:
        context.say(f"they agree with {counted(found.checkpoints, 'signed checkpoint')}")
    if found.fault is not None:
        context.say(f"NOT INTACT: position {found.fault.position} {found.fault.what}")
    context.give(
        {
            "intact": found.fault is None,
            "checked": found.checked,
            "position": found.position,
            "hash": found.head.hex(),
            "checkpoints": found.checkpoints,
            "fault": None if found.fault is None else asdict(found.fault),
        }
    )
    return found.fault is None
