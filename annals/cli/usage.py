"""Wrong arguments: one line for each call, with where help is, and exit code 2."""

import contextlib
from collections.abc import Iterator

import click

from annals.settings import is_utf8
from annals.terminal import visible


class PlainError(click.ClickException):
    """Shown as one line; exit code 1."""

    def format_message(self) -> str:
        """Without control characters: it may name what a document or a server said."""
        return visible(self.message)


class WrongUsageError(PlainError):
    """A wrong argument or setting; exit code 2."""

    exit_code = 2


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """Make click's usage errors, of several lines, one line."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx is not None else "annals"
        message = " ".join(error.format_message().split()).removesuffix(".")
        raise WrongUsageError(f"{message}; see: {path} --help") from None


def refuse_undecoded(context: click.Context) -> None:
    """Raises UsageError for an argument that is not UTF-8; a path may be, and what is wrong with it is told later."""
    for parameter in context.command.params:
        if parameter.name is None or (isinstance(parameter.type, click.Path) and parameter.name != "data"):
            continue
        given = context.params.get(parameter.name)
        for value in given if isinstance(given, tuple) else (given,):
            if value is not None and not is_utf8(str(value)):
                name = parameter.human_readable_name
                raise click.UsageError(f"{name} is not UTF-8 text; set your terminal to UTF-8", context)
