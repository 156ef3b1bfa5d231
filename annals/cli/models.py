"""`annals models`."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TextIO

import click

from annals.cli.context import CommandContext, common, run_async, served
from annals.cli.corrections import reason
from annals.cli.paging import LIMIT_S
from annals.cli.words import counted, short
from annals.session import session
from inference.embedders import EmbedderName
from inference.extractors import ExtractorName
from services.deadline import Deadline
from services.operations.changing_reading import ReadingTask
from services.operations.previewing import PreviewTask
from services.operations.rebuilding import COUNT_LIMIT_S, REBUILD_LIMIT_S
from services.processing.serving import ModelOverview


@click.group("models")
def command() -> None:
    """The settings name the models that an installation begins with; which serves a worker says that has loaded it."""


@command.command("set")
@click.argument("task", type=click.Choice(["embedder", "entities", "relations"]))
@click.argument("name")
@click.option("--revision", metavar="R", help="Of the model on the hub: a commit or a tag.")
@reason
@click.option("--rate", type=click.FloatRange(min=1), metavar="N", help="At most N documents a second.")
@click.option("--restart", is_flag=True, help="Begin anew where a change was broken off.")
@click.option(
    "--keep",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long to keep what the former one made.  [default: the setting keep_generation_seconds]",
)
@common
def set_(
    context: CommandContext,
    task: str,
    name: str,
    revision: str | None,
    reason: str | None,
    rate: float | None,
    restart: bool,
    keep: float | None,
) -> None:
    """Have the model NAME do a TASK from now on. An embedder is minilm-int8, minilm, a folder, or a hub id; entities
    are found by a spaCy model, a folder, or a hub id; relations by a spaCy model, as a package or a folder.

    While everything is up: its vectors of all passages, or what it finds in all documents, are made beside those that
    are read, and follow what comes in; then it and they take over in one step. Broken off, it goes on when the command
    is given again. `annals replay vector --back`, or `annals replay relational graph --back`, goes back to the former
    one.
    """
    how = _How(reason, keep, rate, restart)
    if task == "embedder":
        run_async(lambda: _set(context, EmbedderName(name, revision), how))
    else:
        chosen: ReadingTask = "entities" if task == "entities" else "relations"
        run_async(lambda: _set_reading(context, chosen, ExtractorName(name, revision), how))


class _How(NamedTuple):
    reason: str | None
    keep_s: float | None
    rate: float | None
    restart: bool


async def _set(context: CommandContext, name: EmbedderName, how: _How) -> None:
    async with session(context.settings) as opened:
        service, began = opened.use_cases.embedder, time.monotonic()
        total = await service.total(context.caller, deadline=Deadline.after(COUNT_LIMIT_S))
        with context.progress("embedding", total, "documents") as done:
            changed = await service.change(
                context.caller, name, done, deadline=Deadline.after(REBUILD_LIMIT_S), **how._asdict()
            )
    seconds = round(time.monotonic() - began, 2)
    if changed.changed:
        vectors = f"{counted(changed.passages, 'passage')} with its vectors, in {seconds} s"
        context.say(f"{changed.revision} serves now: {vectors}")
    else:
        context.say(f"{changed.revision} serves already")
    context.give({**asdict(changed), "seconds": seconds})


async def _set_reading(context: CommandContext, task: ReadingTask, name: ExtractorName, how: _How) -> None:
    async with session(context.settings) as opened:
        service, began = opened.use_cases.reading, time.monotonic()
        total = await service.total(context.caller, deadline=Deadline.after(COUNT_LIMIT_S))
        with context.progress("reading", total, "documents") as done:
            changed = await service.change(
                context.caller, task, name, done, deadline=Deadline.after(REBUILD_LIMIT_S), **how._asdict()
            )
    seconds = round(time.monotonic() - began, 2)
    if changed.changed:
        context.say(f"{changed.revision} finds {task} now, in place of {changed.previous}; in {seconds} s")
    else:
        context.say(f"{changed.revision} serves already")
    context.give({**asdict(changed), "seconds": seconds})


@command.command("preview")
@click.argument("task", type=click.Choice(["embedder", "entities", "relations"]))
@click.argument("name")
@click.option("--revision", metavar="R", help="Of the model on the hub: a commit or a tag.")
@click.option(
    "--questions",
    type=click.File(encoding="utf-8"),
    required=True,
    metavar="FILE",
    help="One question a line; - reads them from standard input.",
)
@click.option("--rate", type=click.FloatRange(min=1), metavar="N", help="Read at most N documents a second.")
@click.option("--keep", metavar="NAME", help="Keep the read models that are made, for a day, under this name.")
@served
def preview(
    context: CommandContext,
    task: PreviewTask,
    name: str,
    revision: str | None,
    questions: TextIO,
    rate: float | None,
    keep: str | None,
) -> None:
    """Which answers would be others if the model NAME did a TASK: asked before it is set.

    Its vectors, or what it finds in all documents, are made as `annals models set` makes them, which finds them there
    later; then all read models are built of them beside the live ones, both are asked, and what was built is dropped.
    Nothing that is asked is recorded, and nobody is shown anything of it. With --keep, `annals diff live NAME` tells
    more of what differs. With --server the gateway there makes it, of models that are no folders.
    """
    try:
        asked = [line.strip() for line in questions if line.strip()]
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{questions.name} is no UTF-8: {error.reason}", param_hint="--questions") from None
    run_async(lambda: _preview(context, task, name, asked, revision, rate, keep))


async def _preview(
    context: CommandContext,
    task: PreviewTask,
    name: str,
    questions: Sequence[str],
    revision: str | None,
    rate: float | None,
    keep: str | None,
) -> None:
    began = time.monotonic()
    how: dict[str, Any] = {"revision": revision, "rate": rate, "keep": keep}

    def progress(total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        return context.progress("previewing", total, "steps")

    address = context.named_gateway()
    if address is None:
        from annals.cli.here import previewing as here

        found = await here.preview(context, task, name, questions, progress, **how)
    else:
        from client import previews as there
        from client.gateway import open_gateway

        async with open_gateway(address) as gateway:
            found = await there.preview(gateway, task, name, questions, progress, **how)
    seconds = round(time.monotonic() - began, 2)
    for one in found["differences"]:
        context.say(f"~ {short(one['question'])}")
        context.say(f"    now   {_answer(one['one'], one['one_confidence'])}")
        context.say(f"    then  {_answer(one['other'], one['other_confidence'])}")
    context.say(
        f"{len(found['differences'])} of {counted(found['asked'], 'answer')} would be others with {found['revision']} "
        f"in place of {found['previous'] or 'what serves'}; in {seconds} s"
    )
    if keep is not None:
        context.say(f"kept for a day: annals diff live {keep}")
    context.give({**found, "seconds": seconds})


def _answer(answer: str | None, confidence: float) -> str:
    return "no answer" if answer is None else f"{short(answer)}  ({confidence:.2f})"


@dataclass(frozen=True)
class _Found:
    overview: ModelOverview
    kept: dict[str, int]


@command.command("list")
@common
def list_(context: CommandContext) -> None:
    """The model of each task, and how many vectors and other outputs are kept of each revision."""
    found = run_async(lambda: _models(context))
    serving = {one.task: one.revision for one in found.overview.serving}
    coming = found.overview.coming
    context.give(
        {
            "serving": serving,
            "coming": coming,
            "passages": dict(found.overview.stored),
            "kept": found.kept,
            "answering": list(found.overview.answering),
        }
    )
    for task, revision in serving.items():
        context.say(f"{task:<11} {revision}")
    if coming is not None:
        context.say(f"{'':<11} {coming} is about to take over: annals generations says how far it is")
    if not serving:
        context.say("no worker has loaded models yet")
    for revision, kept in found.kept.items():
        passages = found.overview.stored.get(revision, 0)
        used = f", {counted(passages, 'passage')} with its vectors" if passages else ""
        context.say(f"kept of {revision}: {counted(kept, 'output')}{used}")
    for one in found.overview.answering:
        context.say(f"answering   {one}")


async def _models(context: CommandContext) -> _Found:
    async with session(context.settings) as opened:
        deadline = Deadline.after(LIMIT_S)
        return _Found(
            await opened.use_cases.models.overview(context.caller, deadline=deadline),
            await opened.use_cases.model_cache.kept(context.caller, deadline=deadline),
        )
