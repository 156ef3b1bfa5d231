"""Options of commands that give pages, and the line that leads to the next one."""

from collections.abc import Callable
from typing import Any

import click

from annals.cli.context import CommandContext

LIMIT_S = 30.0
GATEWAY_PAGE = 1000


def paged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --limit and --after."""
    limit = click.option(
        "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many on a page."
    )
    after = click.option("--after", metavar="CURSOR", help="The page behind the one that ended with this cursor.")
    return limit(after(function))


def of_gateway(limit: int) -> int:
    """As many as a gateway gives on one page, at most."""
    return min(limit, GATEWAY_PAGE)


def tell_next(context: CommandContext, cursor: str | None) -> None:
    """For people; --json has it in `next`."""
    if cursor is not None:
        context.note(f"there are more: the same command with --after {cursor}")
