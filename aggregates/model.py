"""The Model: which revision serves a task, and what became of its kept outputs. Its id is the task's name."""

from collections.abc import Iterable
from dataclasses import dataclass

from aggregates.cause import Cause
from contracts.envelope import DomainEvent
from contracts.system import CacheCleared, ModelLoaded, ModelUpdated, Task


@dataclass(frozen=True, slots=True)
class Model:
    """State of one task's model."""

    task: Task
    version: int
    revision: str

    @staticmethod
    def project(events: Iterable[DomainEvent], state: "Model | None" = None) -> "Model | None":
        """The state after `events`, which go on from `state`."""
        for event in events:
            data = event.event_data
            if isinstance(data, ModelLoaded | ModelUpdated):
                state = Model(data.task, event.aggregate_version, data.revision)
            elif state is not None:
                state = Model(state.task, event.aggregate_version, state.revision)
        return state


def load(
    state: Model | None, task: Task, revision: str, cause: Cause, reason: str | None = None
) -> tuple[DomainEvent, ...]:
    """`revision` serves `task` now: news only if it is the first, or another one."""
    if state is None:
        return (cause.event(ModelLoaded(task=task, revision=revision), task, 1),)
    if state.revision == revision:
        return ()
    update = ModelUpdated(task=task, previous=state.revision, revision=revision, reason=reason)
    return (cause.event(update, task, state.version + 1),)


def clear_cache(
    state: Model | None, revision: str, entries: int, reason: str | None, cause: Cause
) -> tuple[DomainEvent, ...]:
    """The kept outputs of `revision` were thrown away; with nothing thrown away nothing happened."""
    if state is None or entries == 0:
        return ()
    cleared = CacheCleared(revision=revision, entries=entries, reason=reason)
    return (cause.event(cleared, state.task, state.version + 1),)
