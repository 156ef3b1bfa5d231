"""`annals verify`."""

import sys
from dataclasses import asdict

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.session import session
from projections.verify import Verdict
from services.deadline import Deadline
from services.operations.progress import READ_MODELS
from services.operations.rebuilding import COUNT_LIMIT_S, REBUILD_LIMIT_S


@click.command("verify", short_help="Check that the read models are what the events say.")
@common
def command(context: CommandContext) -> None:
    """Build each read model again beside the live one and compare digests.

    Exit code 0 when all are the same, 1 when one differs; the first difference is then named.
    """
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
