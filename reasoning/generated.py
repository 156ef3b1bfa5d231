"""A generative model's answer beside the one without it: checked against the sources, and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reasoning.answer import Found, worked_out
from reasoning.answering.borne_out import Checked, check, citations
from reasoning.answering.candidates import folded
from reasoning.answering.denial import without_denied_links
from reasoning.answering.evidence import Evidence, evidence_of
from reasoning.answering.name_types import NameTypes
from reasoning.answering.path import Path
from reasoning.answering.proposal import Support
from reasoning.answering.read_spans import ALONE, agreed
from reasoning.answering.steps import inner_steps
from reasoning.generation import Prompt, prompt_of, said_of
from reasoning.index import Index
from reasoning.path_ranking import Ranking
from reasoning.question.reading import Reading, read

BORNE_OUT, NOT_BORNE_OUT = 0.7, 0.2
"""How often an answer of a generative model is taken to be right, where the sources bear it out and where not. Set, not
measured: models differ. Both keep it from being kept for the next time unless the words alone say the same."""
DECLINED_BELOW = 0.5
"""An answer without the model that is less sure is none where the model finds none."""
FINDS_NONE = "the generative model finds no answer in the sources"


@dataclass(frozen=True, slots=True)
class Spoken:
    """`borne_out` is None where the model gave no answer. `note`: what a person should know of it."""

    found: Found
    borne_out: bool | None
    note: str | None


class Generation:
    """What a model is asked of some passages, best first, and what is made of its answer. Its methods block."""

    def __init__(self, index: Index, question: str, ranking: Ranking, numbers: Sequence[int]) -> None:
        self._reading: Reading = read(question)
        self._evidence: Evidence = without_denied_links(self._reading, evidence_of(index, ranking, numbers))
        self.prompt: Prompt = prompt_of(question, self._evidence.passages)

    def spoken(self, output: str, without: Found) -> Spoken:
        """`without`: the answer without the model."""
        said = said_of(output)
        if said is None:
            return _declined(without)
        text, cited, wrong = citations(said, len(self.prompt.passages))
        numbers = [self.prompt.passages[number - 1].number for number in cited]
        checked = self._checked(text, numbers)
        doubt = wrong or checked.doubt
        same = without.text is not None and _within(folded(without.text), folded(text))
        words = without.confidence if without.text is not None else 0.0
        path = without.path if same and doubt is None else self._path(text, checked.supports)
        passages = dict.fromkeys([support.sentence.passage.number for support, _ in path.supports] + numbers)
        found = Found(
            text, _confidence(words, borne_out=doubt is None, same=same), path, without.others, tuple(passages)
        )
        return Spoken(found, doubt is None, None if doubt is None else f"the sources do not bear it out: {doubt}")

    def _checked(self, text: str, cited: Sequence[int]) -> Checked:
        reading, evidence = self._reading, self._evidence
        steps = inner_steps(reading, evidence, NameTypes(evidence))
        known = [anchor for step in steps for anchor in step.found]
        return check(reading, evidence, known, text, worked_out(reading, evidence), cited)

    def _path(self, text: str, supports: Sequence[Support]) -> Path:
        """The sentences that bear it out lead to it, the last one holds it where it is a span of that."""
        is_span = len(supports) == 1 and folded(supports[0].value) == folded(text)
        return Path(tuple((support, self._reading.asked) for support in supports), worked_out=not is_span)


def _declined(without: Found) -> Spoken:
    if without.text is None:
        return Spoken(without, None, None)
    if without.confidence < DECLINED_BELOW:
        missing = f'{FINDS_NONE}; without it, "{without.text}" is found'
        return Spoken(replace(without, text=None, confidence=0.0, passages=(), missing=missing), None, None)
    less = agreed(without.confidence, 0.0, same=False)
    return Spoken(replace(without, confidence=less), None, FINDS_NONE)


def _confidence(words: float, *, borne_out: bool, same: bool) -> float:
    """`words`: how sure the answer without the model is. Another answer is right only where that one is wrong."""
    model = BORNE_OUT if borne_out else NOT_BORNE_OUT
    if same:
        return agreed(words, model, same=borne_out)
    return min(ALONE, (1.0 - words) * model)


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    size = len(part)
    return size > 0 and any(tuple(whole[at : at + size]) == tuple(part) for at in range(len(whole) - size + 1))
