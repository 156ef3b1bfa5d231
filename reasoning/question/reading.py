"""What a question asks for, and how near each of its words stands to that: plain rules over its words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from reasoning.question.asked import asked_for, asking_word
from reasoning.question.depths import depths_of
from reasoning.question.kinds import Kind
from reasoning.question.names import names_in, options_in
from reasoning.words import content_of, words_of


@dataclass(frozen=True)
class Reading:
    """A question as it is understood.

    `noun` holds the words of what is asked for ("bollywood", "actress"), empty where none is said; the last one decides
    its kind. `depths` gives the step of each meaningful word, by stem: 0 is what is asked, 1 what it is asked of, and
    so on inwards; `heads` the noun of each step but the first. `names` are spans that name something. `options` are
    those of which one is asked for. `beside` are the names that stand in the question's last step, where it has others.
    """

    text: str
    kind: Kind
    noun: tuple[str, ...]
    depths: Mapping[str, int]
    names: tuple[tuple[int, int], ...]
    options: tuple[str, ...]
    heads: Mapping[int, str]
    beside: tuple[tuple[int, int], ...] = ()

    @property
    def steps(self) -> int:
        """How many steps the question has."""
        return max(self.depths.values(), default=0) + 1

    @cached_property
    def named(self) -> frozenset[str]:
        """Stems of the words of its names."""
        return content_of(" ".join(self.names_text()))

    @property
    def asked(self) -> str:
        """What is asked for, in a word or more."""
        return " ".join(self.noun) or self.kind.value

    def names_text(self) -> tuple[str, ...]:
        """What it names, as it names it."""
        return tuple(self.text[start:end] for start, end in self.names)


def read(question: str) -> Reading:
    """Every question has a reading; of one that is no English it is a search for a thing."""
    words = words_of(question)
    names = names_in(question, words)
    options = options_in(question, names)
    at = asking_word(question, words)
    kind, noun, behind = asked_for(question, words, at, options)
    depths, heads, beside = depths_of(question, words, at, behind, names)
    return Reading(question, kind, noun, depths, names, options, heads, beside)
