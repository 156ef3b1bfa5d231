"""A preview of a model, with databases and models of this process."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from annals.cli.context import CommandContext
from annals.session import session
from client.jobs import Progress
from inference.extractors import ExtractorName
from services.deadline import Deadline
from services.operations.previewing import PreviewTask
from services.operations.rebuilding import COUNT_LIMIT_S, REBUILD_LIMIT_S


async def preview(
    context: CommandContext,
    task: PreviewTask,
    name: str,
    questions: Sequence[str],
    progress: Progress,
    *,
    revision: str | None,
    rate: float | None,
    keep: str | None,
) -> dict[str, Any]:
    """As `client.previews.preview` says."""
    async with session(context.settings) as opened:
        service = opened.use_cases.preview
        total = await service.total(context.caller, task, questions, deadline=Deadline.after(COUNT_LIMIT_S))
        with progress(total) as done:
            found = await service.preview(
                context.caller,
                task,
                ExtractorName(name, revision),
                questions,
                done,
                deadline=Deadline.after(REBUILD_LIMIT_S),
                rate=rate,
                keep=keep,
            )
    return asdict(found)
