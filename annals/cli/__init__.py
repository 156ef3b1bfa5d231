"""The command line: one command a file, loaded only when called, so that `annals --help` is instant."""

import gc
import logging
import sys
from importlib import import_module
from typing import Any

import click

from annals.cli.usage import one_line
from annals.terminal import VisibleFormatter, show_fault

GARBAGE_THRESHOLDS = (20_000, 10, 10)
"""Nearly all that a command makes are modules and classes, which stay: Python's own thresholds look through them again
and again while they are imported, which takes a tenth of a question's processor time."""
COMMANDS = {
    "up": "up",
    "ingest": "ingest",
    "ask": "ask",
    "search": "search",
    "list": "list_",
    "entity": "entity",
    "review": "review",
    "show": "show",
    "history": "history",
    "undo": "undo",
    "trace": "trace",
    "delete": "delete",
    "erase": "erase",
    "relation": "relation",
    "chunk": "chunk",
    "chain": "chain",
    "reprocess": "reprocess",
    "status": "status",
    "replay": "replay",
    "generations": "generations",
    "diff": "diff",
    "verify": "verify",
    "checkpoint": "checkpoint",
    "prove": "prove",
    "models": "models",
    "cache": "cache",
    "dead-letters": "dead_letters",
    "users": "users",
    "keys": "keys",
    "tokens": "tokens",
    "access": "access",
    "audit": "audit",
    "crypto": "crypto",
    "readers": "readers",
    "threats": "threats",
    "mcp": "mcp",
    "compliance": "compliance",
    "webhooks": "webhooks",
    "eval": "evaluate",
    "topics": "topics",
    "export": "export",
    "import": "import_",
    "run": "run",
}


class LazyGroup(click.Group):
    """Knows its commands by name and imports one when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, its module imported now."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = import_module(f"annals.cli.{module}").command
        return command

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
