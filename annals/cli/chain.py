"""`annals chain`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from annals.cli.context import CommandContext, served
from annals.cli.corrections import correct, reason
from client.decisions import Request
from client.gateway import segment

F = TypeVar("F", bound=Callable[..., Any])
numbered: Callable[[F], F] = click.option(
    "--chain", type=click.IntRange(min=0), default=0, show_default=True, help="Its number, from 0."
)


@click.group("chain")
def command() -> None:
    """Judge a chain of an answer, by the id of its question (`annals ask --json` and `annals history` have it).

    An answer with a chain that is wrong is not given from the cache again: asked the same, Annals says so.
    """


@command.command("validate")
@click.argument("question_id")
@numbered
@reason
@served
def validate(context: CommandContext, question_id: str, chain: int, reason: str | None) -> None:
    """Call a chain of the answer to QUESTION_ID right."""
    _judge(context, question_id, chain, True, reason)


@command.command("reject")
@click.argument("question_id")
@numbered
@reason
@served
def reject(context: CommandContext, question_id: str, chain: int, reason: str | None) -> None:
    """Call a chain of the answer to QUESTION_ID wrong."""
    _judge(context, question_id, chain, False, reason)


@command.command("undo")
@click.argument("question_id")
@numbered
@reason
@served
def undo(context: CommandContext, question_id: str, chain: int, reason: str | None) -> None:
    """Take back what was said of a chain of the answer to QUESTION_ID."""
    _judge(context, question_id, chain, None, reason)


def _judge(context: CommandContext, question_id: str, chain: int, valid: bool | None, reason: str | None) -> None:
    said = {True: "called right", False: "called wrong", None: "judged no more"}[valid]
    correct(
        context,
        said,
        lambda service, deadline: service.chains.judge(
            context.caller, question_id, chain, valid=valid, reason=reason, deadline=deadline
        ),
        Request(
            "POST",
            f"/reasoning/queries/{segment(question_id)}/chains/{chain}/judgement",
            {"valid": valid, "reason": reason},
        ),
    )
