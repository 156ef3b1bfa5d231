"""The command line: one command a file, loaded only when called, so that `annals --help` is instant."""

import gc
import logging
import sys
from importlib import import_module
from typing import Any

import click

from annals.cli.commands import COMMANDS
from annals.cli.usage import one_line
from annals.terminal import VisibleFormatter, show_fault

GARBAGE_THRESHOLDS = (20_000, 10, 10)
"""Nearly all that a command makes are modules and classes, which stay: Python's own thresholds look through them again
and again while they are imported, which takes a tenth of a question's processor time."""


class LazyGroup(click.Group):
    """Knows its commands by name and imports one when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, its module imported now."""
        listed = COMMANDS.get(cmd_name)
        if listed is None:
            return None
        command: click.Command = import_module(f"annals.cli.{listed.module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does it, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, listed.what) for name, listed in COMMANDS.items()])

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """As click does it; what is wrong becomes one line."""
        with one_line():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does it; what is wrong becomes one line."""
        with one_line():
            return super().invoke(ctx)


@click.group(
    "annals",
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with:  annals ingest docs/ --wait   then:  annals ask 'Who ...?'",
)
@click.version_option(package_name="annals")
@click.option("--server", metavar="URL", help="A gateway elsewhere; its token is in ANNALS_TOKEN.")
def group(server: str | None) -> None:
    """Annals turns documents into knowledge that can be asked, and never loses how it came to know it.

    Every change is an event. Read models (relational, graph, vector) are folded from the events and can be
    rebuilt at any time. When nothing is up, a command starts what it needs for its own length; `annals up`
    keeps everything running.

    Settings come from options, from ANNALS_* variables, and from one TOML file, in that order. The file is the one
    that --config or ANNALS_CONFIG names, else annals.toml in the data folder.
    """


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 130 stopped by ctrl-C."""
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    sys.excepthook = show_fault
    # What no handler takes, as is usual in a command, is printed by this one.
    assert logging.lastResort is not None
    logging.lastResort.setFormatter(VisibleFormatter())
    group(prog_name="annals")
