"""`annals eval`."""

import io
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.here.documents import take_by
from annals.evaluation import Outcome, compared, figures, outcome_of, save, saved
from annals.evaluation_report import report
from annals.evaluation_sets import EvaluationSet, Question, as_lines, read_set
from annals.loading import Loaded, Refused, load, set_aside
from annals.session import session
from annals.settings import Settings
from contracts.errors import AnnalsError
from reasoning.results import Answer
from services.deadline import Deadline
from services.processing.serving import MODELS_LIMIT_S
from services.reasoning.ask import ASK_LIMIT_S
from services.search.results import SearchRequest
from services.storage.waiting import WAIT_LIMIT_S

if TYPE_CHECKING:
    from annals.composition.use_cases import UseCases

FIRST_LIMIT_S = 600.0
"""For the first search, which waits for all that it asks of read models filled a moment ago."""
SOURCES = 10
"""More than the five that count: two of them may be of one document, which then counts once."""


@click.command("eval")
@click.argument("corpus", type=click.Path(exists=True, path_type=Path))
@click.argument("questions", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--without-titles", is_flag=True, help="Take passages in without their titles.")
@click.option("--save", "kept", type=click.Path(dir_okay=False, path_type=Path), help="Keep each question's outcome.")
@click.option(
    "--compare",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Say how this differs from what --save kept, and how likely that is by chance.",
)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a report with the worst questions."
)
@common
def command(
    context: CommandContext,
    corpus: Path,
    questions: Path | None,
    without_titles: bool,
    kept: Path | None,
    compare: Path | None,
    html: Path | None,
) -> None:
    """Take CORPUS into a throw-away data folder, ask all of QUESTIONS, and print how good answers and sources are.

    \b
    CORPUS     JSON Lines of {"id", "title", "text"}
    QUESTIONS  JSON Lines of {"id", "question", "gold": [ids of passages that support the answer],
               "answers": [those that are accepted; none where it cannot be answered]}

    Without QUESTIONS, CORPUS is a file of HotpotQA, 2WikiMultihopQA or MuSiQue, or a folder of BEIR, as published.
    """
    asked = read_set(corpus, questions)
    before = saved(compare) if compare is not None else None
    measured, outcomes = run_async(lambda: _evaluate(context, corpus, asked, without_titles))
    if before is not None:
        measured["comparison"] = compared(before, outcomes)
    if kept is not None:
        save(outcomes, kept)
    if html is not None:
        _write(html, report(measured, outcomes))
    context.give(measured)
    for name, value in measured.items():
        if name == "comparison":
            _say_comparison(context, value)
        elif value is not None:
            context.say(f"{name:<16} {value}")


def _say_comparison(context: CommandContext, found: dict[str, Any]) -> None:
    context.say(f"against the earlier evaluation, over {found['questions']} questions")
    for name, by in found.items():
        if isinstance(by, dict):
            context.say(f"{name:<16} {by['difference']:+} ({by['low']:+} to {by['high']:+}), p {by['p']}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise AnnalsError(f"{path} cannot be written: {error.strerror}; give another path") from None


async def _evaluate(
    context: CommandContext, corpus: Path, asked: EvaluationSet, without_titles: bool
) -> tuple[dict[str, Any], list[Outcome]]:
    with tempfile.TemporaryDirectory(prefix="annals-eval-") as folder:
        settings = context.settings.model_copy(update={"data": Path(folder), "postgres": None, "broker": None})
        if settings.profile == "servers":
            await _refuse_what_is_in_use(settings)
        throw_away = CommandContext(json=context.json, settings=settings, people=context.people)
        file = asked.corpus or as_lines(asked.passages, Path(folder) / "corpus.jsonl")
        async with session(settings, processing=True, new=True) as opened:
            use_cases = opened.use_cases
            # Loading the models is no part of the speed at which passages are taken in.
            await use_cases.models.until_loaded(throw_away.caller, deadline=Deadline.after(MODELS_LIMIT_S))
            began = time.monotonic()
            inputs = set_aside(load([str(file)], io.BytesIO()), [])
            if without_titles:
                inputs = map(_untitled, inputs)
            taken = await take_by(throw_away, use_cases.storage.taking, inputs)
            for refusal in taken.refused:
                context.note(f"skipped {refusal.name}: {refusal.reason}")
            if not taken.documents:
                raise AnnalsError(f"{corpus} holds no passage")
            with context.progress("processing", len(taken.documents), "passages") as done:
                awaited = await use_cases.storage.waiting.until_projected(
                    throw_away.caller, list(taken.documents), done, deadline=Deadline.after(WAIT_LIMIT_S)
                )
            seconds = time.monotonic() - began
            outcomes = await _ask_all(throw_away, use_cases, asked.questions)
    return {
        **figures(outcomes),
        "passages": awaited.processed,
        "passages_per_s": round(awaited.processed / seconds, 2),
    }, outcomes


def _untitled(one: Loaded | Refused) -> Loaded | Refused:
    return replace(one, title="") if isinstance(one, Loaded) else one


async def _refuse_what_is_in_use(settings: Settings) -> None:
    """Servers are no data folder that can be thrown away: they must hold nothing, and keep what this puts there."""
    # Drivers that the embedded profile need not load.
    from annals.composition.ownership import owners_of

    for name, owner in (await owners_of(settings)).items():
        if owner is not None:
            raise AnnalsError(
                f"{name} holds read models already; in the servers profile an evaluation needs servers of its own, "
                "or empty ones (docs/operations.md)"
            )


async def _ask_all(context: CommandContext, use_cases: "UseCases", questions: Sequence[Question]) -> list[Outcome]:
    """Each question twice: for the first time, and once all of them have been asked."""
    service = use_cases.ask
    await service.load()
    # The first to read them waits for read models filled a moment ago, and does not count.
    await use_cases.search.search(
        context.caller,
        SearchRequest(questions[0].question),
        after=None,
        limit=SOURCES,
        deadline=Deadline.after(FIRST_LIMIT_S),
    )
    answers, seconds, again = list[Answer](), list[float](), list[float]()
    with context.progress("asking", 2 * len(questions), "questions") as done:
        for number, question in enumerate((*questions, *questions), start=1):
            began = time.monotonic()
            asked = await service.ask(context.caller, question.question, SOURCES, Deadline.after(ASK_LIMIT_S))
            (seconds if number <= len(questions) else again).append(time.monotonic() - began)
            if number <= len(questions):
                answers.append(asked.answer)
            done(number)
    return [outcome_of(*one) for one in zip(questions, answers, seconds, again, strict=True)]
