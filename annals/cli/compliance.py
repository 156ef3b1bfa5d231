"""`annals compliance`."""

import sys
from dataclasses import asdict
from typing import get_args

import click

from annals.cli.context import CommandContext, common, run_async
from annals.session import session
from eventstore.retention import older
from security.compliance import Standard
from services.deadline import Deadline

LIMIT_S = 3600.0


@click.group("compliance")
def command() -> None:
    """Checks that look at the installation as it is. A report helps whoever answers for it, and certifies nothing."""


@command.command("report")
@click.option("--standard", type=click.Choice(get_args(Standard)), required=True, help="Which set of checks.")
@common
def report(context: CommandContext, standard: Standard) -> None:
    """Run the checks of a standard. The exit code is 1 where one fails."""
    if not run_async(lambda: _report(context, standard)):
        sys.exit(1)


@command.command("retention")
@click.option("--dry-run", is_flag=True, help="Remove nothing, and say what would be removed.")
@common
def retention(context: CommandContext, dry_run: bool) -> None:
    """Remove what is older than its setting allows, of every tenant. The role `intake` does so each hour."""
    run_async(lambda: _retention(context, dry_run))


async def _report(context: CommandContext, standard: Standard) -> bool:
    async with session(context.settings, read_models=False) as opened:
        made = await opened.use_cases.security.compliance.report(
            context.caller, standard, deadline=Deadline.after(LIMIT_S)
        )
    for result in made.results:
        verdict = "ok" if result.passed else "FAILED"
        context.say(f"{verdict:<6}  {result.name:<17}  {result.control}: {result.detail}")
    failed = sum(not result.passed for result in made.results)
    context.say(f"{standard}: {len(made.results) - failed} of {len(made.results)} checks passed")
    context.give(
        {
            "standard": standard,
            "at": made.at.isoformat(),
            "passed": made.passed,
            "checks": [asdict(result) for result in made.results],
        }
    )
    return made.passed


async def _retention(context: CommandContext, dry_run: bool) -> None:
    async with session(context.settings, read_models=False) as opened:
        applied = await opened.use_cases.security.retention.apply(
            context.caller, dry_run=dry_run, deadline=Deadline.after(LIMIT_S)
        )
    for one in applied:
        verb = "would be removed" if dry_run else "removed"
        context.say(f"{older(one.rule, one.days)}: {one.count} {verb}")
    context.give({"dry_run": dry_run, "rules": [asdict(one) for one in applied]})
