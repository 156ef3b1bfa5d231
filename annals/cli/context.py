"""What every command has around it: common options, one way to print, one way to fail."""

import asyncio
import contextlib
import functools
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from annals.cli.gateway import beside, named
from annals.cli.usage import PlainError, WrongUsageError, refuse_undecoded
from annals.errors import WrongSettingError
from annals.settings import Settings, load_settings, settings_file
from annals.terminal import visible, visible_json
from client.address import Address
from contracts.errors import AnnalsError
from security.access import FULL_ACCESS
from services.caller import Caller

log = logging.getLogger(__name__)

T = TypeVar("T")
INTERRUPTED = 130


@dataclass
class CommandContext:
    """The settings of this call, and where its words go: people read stderr, machines read stdout.

    All that a command prints goes through here, and nothing of it reaches a terminal as a control character.
    """

    settings: Settings
    json: bool = False
    load: Callable[[], Settings] = load_settings
    """Reads the settings of this call anew."""
    file: Path | None = None
    """Where they may change."""
    server: str | None = None
    """The gateway that was named; another one is not looked for then."""
    without_gateway: bool = False
    people: Console = field(default_factory=lambda: Console(stderr=True, soft_wrap=True, highlight=False))

    @property
    def caller(self) -> Caller:
        """Who gives this command."""
        return Caller(self.settings.tenant, self.settings.actor, "cli", FULL_ACCESS)

    def gateway(self) -> Address | None:
        """The gateway to be asked: the one of --server, else the one that is up here; None where none is, or is to be.

        Raises NoTokenError, PlainTextError.
        """
        if self.without_gateway:
            return None
        return named(self.server) if self.server is not None else beside(self.settings)

    def named_gateway(self) -> Address | None:
        """The gateway of --server alone: for work that takes a processor for long, which is done beside `annals up` in
        this process, where it takes nothing of who asks. Raises NoTokenError, PlainTextError.
        """
        return None if self.server is None else named(self.server)

    def here(self, option: str) -> None:
        """Ask the databases and no gateway, as this option needs. Raises UsageError where --server is given."""
        if self.server is not None:
            raise click.UsageError(f"--server does not go with {option}, which works where the databases are")
        self.without_gateway = True

    def say(self, text: str) -> None:
        """A line for people: on stdout, or on stderr when a machine reads stdout."""
        if self.json:
            self.note(text)
        else:
            click.echo(visible(text))

    def show(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table for people, where their lines go."""
        table = Table(*header, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        (self.people if self.json else Console(highlight=False)).print(table)

    def note(self, text: str) -> None:
        """A line beside the result: always on stderr."""
        self.people.print(Text(visible(text)))

    def give(self, result: Any) -> None:
        """The result as one JSON object on stdout, when --json was asked for."""
        if self.json:
            click.echo(visible_json(result))

    @contextlib.contextmanager
    def progress(self, what: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        """A bar with rate and ETA on stderr; the yielded function takes how much is done in all."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn(unit + "  {task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.people, transient=True, disable=not self.people.is_terminal) as bar:
            task = bar.add_task(what, total=total, rate="")

            def done(amount: int) -> None:
                speed = bar.tasks[0].speed
                bar.update(task, completed=amount, rate=f"{speed:.0f}/s" if speed else "")

            yield done


def served(function: Callable[..., T]) -> Callable[..., T]:
    """As `common`, for a command that a gateway can do, which --server then names."""
    return _common(function, by_gateway=True)


def common(function: Callable[..., T]) -> Callable[..., T]:
    """Give a command --data, --config and --json, and turn our errors into one plain line."""
    return _common(function, by_gateway=False)


def _common(function: Callable[..., T], *, by_gateway: bool) -> Callable[..., T]:

    @click.option("--data", type=click.Path(), help="Data folder.  [default: the user's data folder]")
    @click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Settings file (TOML).")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, all else on stderr.")
    @functools.wraps(function)
    def wrapped(
        *args: Any,
        data: str | None,
        config: Path | None,
        as_json: bool,
        **options: Any,
    ) -> T:
        with plain_errors():
            click_context = click.get_current_context()
            refuse_undecoded(click_context)
            server = click_context.find_root().params.get("server")
            if server is not None and not by_gateway:
                raise click.UsageError("--server does not go with this command, which works where the databases are")
            if data is not None and not data:
                raise click.UsageError("--data is empty; name a folder")
            folder = None if data is None else Path(data)
            load = functools.partial(load_settings, config=config, data=folder)
            settings = load()
            context = CommandContext(
                json=as_json, settings=settings, load=load, file=settings_file(config, settings.data), server=server
            )
            return function(context, *args, **options)

    return wrapped


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """What a person can do something about becomes one line and exit code 1 (2 for a wrong setting).

    The rest is a fault of ours.
    """
    try:
        yield
    except WrongSettingError as error:
        raise WrongUsageError(" ".join(str(error).split())) from None
    except AnnalsError as error:
        raise PlainError(" ".join(str(error).split())) from None
    except ValidationError as error:
        from contracts.codec import plain

        raise PlainError(plain(error)) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("stopped", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _broken_off(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What was under way when ctrl-C came (a query, say) has nobody left to ask how it ended."""
    log.debug("broken off: %s", context.get("exception") or context["message"])


def run_async(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end; ctrl-C and SIGTERM cancel it once, so that what it started is stopped cleanly."""

    async def guarded() -> T:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        told = asyncio.Event()

        def stop() -> None:
            # A second ctrl-C would break off the stopping and leave servers behind.
            if not told.is_set():
                told.set()
                loop.set_exception_handler(_broken_off)
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        return await main()

    return asyncio.run(guarded())
