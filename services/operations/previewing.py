"""What would be answered otherwise if another model took over, before anybody decides on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from aggregates.cause import RefusedError
from inference.embedders import EmbedderName
from inference.extractors import ExtractorName
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError
from services.operations.changing_embedder import ChangeEmbedder
from services.operations.changing_reading import ChangeReading
from services.operations.progress import READ_MODELS
from services.past.answers import SOURCES, AnswerDifference, CompareAnswers
from services.past.generations import LIVE, PastGenerations
from services.processing.present_embedder import VECTOR
from services.processing.present_reading import READ
from services.reasoning.interface import ReasoningQueryRequest
from services.requests import check

PreviewTask = Literal["embedder", "entities", "relations"]
MOST_QUESTIONS = 1_000
QUESTION_LIMIT_S = 300.0
"""For the answers of both to one question; to the first one, models are loaded."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Of `asked` questions, those that `revision` would have answered otherwise: `one` is the answer of the live read
    models, which `previous` serves, `other` that of those that are made of it, up to `position` of the log.
    `generation`: under what name these are kept, None where they are gone again.
    """

    task: PreviewTask
    revision: str
    previous: str | None
    position: int
    generation: str | None
    asked: int
    differences: tuple[AnswerDifference, ...]


@dataclass(frozen=True, slots=True)
class _Coming:
    revision: str
    previous: str | None
    revisions: dict[str, str]
    """By the read model that is made of it."""


class PreviewModels:
    """For whoever may have previews, and all that one is made of, of all documents.

    Every method raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(
        self, embedder: ChangeEmbedder, reading: ChangeReading, generations: PastGenerations, answers: CompareAnswers
    ) -> None:
        self._embedder = embedder
        self._reading = reading
        self._generations = generations
        self._answers = answers

    async def total(self, caller: Caller, task: PreviewTask, questions: Sequence[str], *, deadline: Deadline) -> int:
        """What `preview` reports of, at most: documents that are read, aggregates that are built, questions."""
        _require(caller)
        change = self._embedder if task == "embedder" else self._reading
        return await change.total(caller, deadline=deadline) + len(questions)

    async def preview(
        self,
        caller: Caller,
        task: PreviewTask,
        name: EmbedderName | ExtractorName,
        questions: Sequence[str],
        report: Callable[[int], None],
        *,
        deadline: Deadline,
        rate: float | None = None,
        keep: str | None = None,
    ) -> Preview:
        """Make a generation of all read models as this model would have them, beside the live ones, and ask both.

        The generation is dropped at the end, however it ends, unless it is to be kept under the name `keep`: then it
        can be asked and compared like one of the past, until it expires. Its outputs, and what it found in documents,
        are kept: a change that follows, or another preview, has no model read a text twice. `report` gets what is done
        of `total`; `rate` is the most documents that are read in a second. Raises InvalidRequestError,
        GenerationExistsError, RefusedError where the model serves already, InferenceError where it cannot be had, what
        a change raises, and what asking raises.
        """
        _require(caller)
        if not 1 <= len(questions) <= MOST_QUESTIONS:
            raise InvalidRequestError(
                f"there are {len(questions)} questions; give at least one, and {MOST_QUESTIONS} at most"
            )
        for question in questions:
            check(ReasoningQueryRequest(question, SOURCES))
        called = keep or f"preview-{uuid4().hex[:12]}"
        await self._generations.check_free(called, deadline=deadline)
        done = _Sum(report)
        coming = await self._coming(caller, task, name, done.part, rate, deadline)
        done.begin_part()
        generation = await self._generations.make(
            caller, called, None, READ_MODELS, done.part, deadline=deadline, revisions=coming.revisions
        )
        done.begin_part()
        differences: list[AnswerDifference] = []
        complete = False
        try:
            for number, question in enumerate(questions, start=1):
                limit = Deadline.after(min(QUESTION_LIMIT_S, deadline.remaining_s))
                found = await self._answers.answers(caller, LIVE, called, [question], last=0, deadline=limit)
                differences += found.differences
                done.part(number)
            complete = True
        finally:
            if keep is None or not complete:
                await self._generations.discard(generation)
        return Preview(
            task, coming.revision, coming.previous, generation.position, keep, len(questions), tuple(differences)
        )

    async def _coming(
        self,
        caller: Caller,
        task: PreviewTask,
        name: EmbedderName | ExtractorName,
        report: Callable[[int], None],
        rate: float | None,
        deadline: Deadline,
    ) -> _Coming:
        if task == "embedder":
            embedder = await self._embedder.prepare(caller, EmbedderName(name.name, name.revision), deadline=deadline)
            if embedder.revision == embedder.previous:
                raise RefusedError(f"{embedder.revision} serves already; name another embedder")
            return _Coming(*embedder, {VECTOR: embedder.revision})
        reading, revision, previous = await self._reading.prepare(
            caller, task, ExtractorName(name.name, name.revision), report, deadline=deadline, rate=rate
        )
        return _Coming(revision, previous, dict.fromkeys(READ, reading))


def _require(caller: Caller) -> None:
    caller.require_everything("previews", "execute")
    caller.require("models", "administer")
    caller.require("projections", "execute")
    caller.require_everything("reasoning", "execute")


class _Sum:
    """Of what is done in one part of the work after the other."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self._report = report
        self._before = 0
        self._now = 0

    def part(self, done: int) -> None:
        """So much of this part is done."""
        self._now = done
        self._report(self._before + done)

    def begin_part(self) -> None:
        """The one before is done."""
        self._before, self._now = self._before + self._now, 0
