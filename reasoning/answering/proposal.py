"""An answer that is proposed: its text, the sentences that it rests on, and what its confidence is worked out from."""

from dataclasses import dataclass

from reasoning.answering.evidence import Sentence


@dataclass(frozen=True, slots=True)
class Support:
    """A sentence, and the span of its passage's text that says it; `value` is what it was taken to say."""

    sentence: Sentence
    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """`supports`: what the answer rests on, the last one first. `strength` in 0..1: how directly they say it.

    `worked_out`: the answer is no span of a text but follows from the values of `supports`.
    """

    text: str
    supports: tuple[Support, ...]
    strength: float
    worked_out: bool
