"""`annals generations`."""

import functools
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.session import session
from contracts.readings import models_of
from eventstore.generations import RegisteredGeneration
from services.deadline import Deadline
from services.operations.rebuilding import LEFTOVERS_LIMIT_S
from services.processing.present_embedder import VECTOR

LIMIT_S = 60.0


@common
def _listed(context: CommandContext) -> None:
    """List the generations of the read models: the live ones, those being built, those kept aside.

    A replay builds the next generation beside the live one, and `annals verify` one to compare it with.
    """
    run_async(lambda: _list(context))


@click.group("generations", invoke_without_command=True)
@functools.wraps(_listed)
def command(**options: Any) -> None:
    """The list, where nothing else is wanted."""
    if click.get_current_context().invoked_subcommand is None:
        _listed(**options)


@command.command("drop", short_help="Remove a generation.")
@click.argument("generation_id", metavar="ID")
@common
def drop(context: CommandContext, generation_id: str) -> None:
    """Remove the generation ID: never the live one, and none that somebody works on."""
    run_async(lambda: _drop(context, generation_id))


async def _list(context: CommandContext) -> None:
    async with session(context.settings, read_models=False) as opened:
        found = await opened.use_cases.operations.rebuilding.generations(
            context.caller, deadline=Deadline.after(LIMIT_S)
        )
    for one in found:
        context.say(_line(one))
    context.give({"generations": [asdict(one) for one in found]})


async def _drop(context: CommandContext, generation_id: str) -> None:
    async with session(context.settings, read_models=False) as opened:
        dropped = await opened.use_cases.operations.rebuilding.drop(
            context.caller, generation_id, deadline=Deadline.after(LEFTOVERS_LIMIT_S)
        )
    context.say(f"dropped generation {dropped.id} of {dropped.read_model}")
    context.give({"dropped": dropped.id})


def _line(one: RegisteredGeneration) -> str:
    said = [
        one.state if one.state == one.purpose else f"{one.state}, {one.purpose}",
        f"schema version {one.schema_version}",
        _made_of(one),
        "" if one.as_of is None else f"as of {one.as_of}",
        "" if one.rows is None else counted(one.rows, "row"),
        f"made {_time(one.created_at)}",
        "" if one.expires_at is None else f"until {_time(one.expires_at)}",
        "" if one.owner is None else f"worked on by {one.owner}",
    ]
    return f"{one.id}  {one.read_model:<10}  {', '.join(filter(None, said))}"


def _made_of(one: RegisteredGeneration) -> str:
    if one.model_revision is None:
        return ""
    if one.read_model == VECTOR:
        return f"vectors of {one.model_revision}"
    entities, relations = models_of(one.model_revision)
    return f"entities of {entities}, relations of {relations}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"
