"""How an answer was come to, in words: question -> what a step found (where it stands) -> ... -> the answer."""

from collections.abc import Sequence

from contracts.reasoning import CHAIN_CHARACTERS
from reasoning.results import Step
from reasoning.words import fold, shortened

ARROW = " -> "


def chain_of(steps: Sequence[Step], answer: str, *, worked_out: bool) -> str:
    """One line. Nothing stands in it twice in a row.

    Where the answer follows from several values they stand side by side, and the answer behind them.
    """
    found = [f"{_line(step.found)} ({_where(step)})" for step in steps]
    if worked_out:
        return shortened(ARROW.join(["question", "; ".join(found), _line(answer)]), CHAIN_CHARACTERS)
    return shortened(ARROW.join(["question", *found]), CHAIN_CHARACTERS)


def without_repeats(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Of steps in a row that found the same, the last: it says most of it."""
    kept: list[Step] = []
    for step in steps:
        if kept and _key(kept[-1].found) == _key(step.found):
            kept.pop()
        kept.append(step)
    return tuple(kept)


def _key(text: str) -> str:
    return " ".join(fold(text).split())


def _line(text: str) -> str:
    return " ".join(text.split())


def _where(step: Step) -> str:
    return _line(step.title or step.document_id)
