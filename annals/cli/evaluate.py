"""`annals eval`."""

import io
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from annals.cli.context import CommandContext, common, run_async
from annals.cli.here.documents import take_by
from annals.composition.use_cases import UseCases
from annals.encodings import UnreadableTextError, read_lines
from annals.json_lines import NotLinesError, numbered, words
from annals.loading import load, set_aside
from annals.session import session
from annals.settings import Settings
from contracts.errors import AnnalsError
from reasoning.evaluation import all_at, percentile, recall_at
from services.deadline import Deadline
from services.processing.serving import MODELS_LIMIT_S
from services.reasoning.ask import ASK_LIMIT_S
from services.storage.waiting import WAIT_LIMIT_S

INDEX_LIMIT_S = 600.0
"""For the first question, which waits for all that it asks of a read model filled a moment ago."""
SOURCES = 10
"""More than the five that count: two of them may be of one document, which then counts once."""


class Question(BaseModel):
    """One line of the questions file; `gold` names the passages that support the answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str | int
    question: Annotated[str, Field(pattern=r"\S", max_length=4096)]
    gold: Annotated[tuple[str, ...], Field(min_length=1)]


@click.command("eval", short_help="Measure retrieval on a corpus with questions.")
@click.argument("corpus", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("questions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@common
def command(context: CommandContext, corpus: Path, questions: Path) -> None:
    """Take CORPUS into a throw-away data folder, ask every one of QUESTIONS, and print how good the sources are.

    \b
    CORPUS     JSON Lines of {"id", "title", "text"}
    QUESTIONS  JSON Lines of {"id", "question", "gold": [ids of passages that support the answer]}
    """
    asked = _read(questions)
    result = run_async(lambda: _evaluate(context, corpus, asked))
    context.give(result)
    for name, value in result.items():
        context.say(f"{name:<16} {value}")


def _read(path: Path) -> list[Question]:
    found = []
    try:
        with path.open("rb") as lines:
            for number, line in numbered(read_lines(lines)):
                try:
                    found.append(Question.model_validate_json(line))
                except ValidationError as error:
                    raise AnnalsError(f"{path}:{number}: {words(error)}") from None
    except (OSError, NotLinesError, UnreadableTextError) as error:
        raise AnnalsError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if not found:
        raise AnnalsError(f"{path} holds no question")
    return found


async def _evaluate(context: CommandContext, corpus: Path, questions: list[Question]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="annals-eval-") as folder:
        settings = context.settings.model_copy(update={"data": Path(folder), "postgres": None, "broker": None})
        if settings.profile == "servers":
            await _refuse_what_is_in_use(settings)
        throw_away = CommandContext(json=context.json, settings=settings, people=context.people)
        async with session(settings, processing=True, new=True) as opened:
            use_cases = opened.use_cases
            # Loading the models is no part of the speed at which passages are taken in.
            await use_cases.models.until_loaded(throw_away.caller, deadline=Deadline.after(MODELS_LIMIT_S))
            began = time.monotonic()
            inputs = set_aside(load([str(corpus)], io.BytesIO()), [])
            taken = await take_by(throw_away, use_cases.storage.intake, inputs)
            for refusal in taken.refused:
                context.note(f"skipped {refusal.name}: {refusal.reason}")
            if not taken.documents:
                raise AnnalsError(f"{corpus} holds no passage")
            with context.progress("processing", len(taken.documents), "passages") as done:
                awaited = await use_cases.storage.waiting.until_projected(
                    throw_away.caller, list(taken.documents), done, deadline=Deadline.after(WAIT_LIMIT_S)
                )
            seconds = time.monotonic() - began
            figures, latencies = await _ask_all(throw_away, use_cases, questions)
    return {
        **figures,
        "questions": len(questions),
        "passages": awaited.processed,
        "passages_per_s": round(awaited.processed / seconds, 2),
        "ask_p50_s": round(percentile(latencies, 0.5), 4),
        "ask_p95_s": round(percentile(latencies, 0.95), 4),
    }


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


async def _ask_all(
    context: CommandContext, use_cases: UseCases, questions: list[Question]
) -> tuple[dict[str, float], list[float]]:
    service = use_cases.ask
    await service.load()
    # The first question builds the index, and is asked once before it counts.
    await service.search(context.caller, questions[0].question, SOURCES, Deadline.after(INDEX_LIMIT_S))
    ranked: list[list[str]] = []
    latencies = []
    with context.progress("asking", len(questions), "questions") as done:
        for number, question in enumerate(questions, start=1):
            began = time.monotonic()
            asked = await service.ask(context.caller, question.question, SOURCES, Deadline.after(ASK_LIMIT_S))
            latencies.append(time.monotonic() - began)
            ranked.append(list(dict.fromkeys(source.document_id for source in asked.answer.sources)))
            done(number)
    pairs = list(zip(ranked, [question.gold for question in questions], strict=True))
    return {
        "recall@2": round(sum(recall_at(ids, gold, 2) for ids, gold in pairs) / len(pairs), 4),
        "recall@5": round(sum(recall_at(ids, gold, 5) for ids, gold in pairs) / len(pairs), 4),
        "all@5": round(sum(all_at(ids, gold, 5) for ids, gold in pairs) / len(pairs), 4),
    }, latencies
