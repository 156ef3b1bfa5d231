"""Given a sentence that states a relation, when a person calls that relation wrong, then no answer rests on the
sentence for it; what else the sentence says, and what other sentences say, stays."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from projections.graph.reads import GraphSnapshot, WrongRelation
from reasoning.embedder import OneEmbedder
from reasoning.engine import Reasoner
from reasoning.results import Answer
from tests.reasoning.test_same_everywhere import HashedEmbedder
from tests.reasoning.town import TENANT, TOWN, TownReaders

KILN = "Ada Brandt designed Talle Kiln in 1843 and Oster Mill in 1850. She was born in Orlinga and died in Tarrow."
BUILDERS = {
    "kiln": ("Ada Brandt", KILN),
    "wrote": ("The Salt Road", "The Salt Road is a novel. Ivo Lind wrote The Salt Road in one winter."),
    "bread": TOWN["bread"],
    "moth": TOWN["moth"],
}
WRITES = "Who is mayor of the town where the writer of The Glass Lantern grew up?"


def wrong(chunk: str, subject: str, predicate: str, obj: str, sentence: str) -> WrongRelation:
    """A relation of a sentence of the chunk, as the parser places it: from its first part to its last."""
    text = ({**TOWN, **BUILDERS})[chunk][1]
    start = text.index(sentence)
    return WrongRelation(subject, predicate, obj, chunk, start, start + len(sentence))


def judged_sentence(judged: WrongRelation) -> str:
    """What states it."""
    return ({**TOWN, **BUILDERS})[judged.chunk_id][1][judged.start : judged.end]


class JudgedReaders(TownReaders):
    """A town as it is read where these relations were called wrong."""

    def __init__(self, town: dict[str, tuple[str, str]], *wrong: WrongRelation) -> None:
        super().__init__(HashedEmbedder(), town)
        self._wrong = wrong

    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """With those of these passages."""
        found = await super().around(tenant, chunk_ids)
        return replace(found, wrong=[one for one in self._wrong if one.chunk_id in chunk_ids])


async def asked(question: str, *wrong: WrongRelation, town: dict[str, tuple[str, str]] = BUILDERS) -> Answer:
    """With these relations called wrong."""
    return await Reasoner(JudgedReaders(town, *wrong), JudgedReaders(town, *wrong), OneEmbedder(HashedEmbedder())).ask(
        TENANT, question
    )


DESIGNED = wrong("kiln", "Ada Brandt", "design", "Talle Kiln", "Ada Brandt designed Talle Kiln")
MILL = wrong("kiln", "Ada Brandt", "design", "Oster Mill", "Ada Brandt designed Talle Kiln in 1843 and Oster Mill")
BORN = wrong("kiln", "Ada Brandt", "be born in", "Orlinga", "She was born in Orlinga")
DIED = wrong("kiln", "Ada Brandt", "die in", "Tarrow", "She was born in Orlinga and died in Tarrow")
WROTE = wrong("wrote", "Ivo Lind", "write", "The Salt Road", "Ivo Lind wrote The Salt Road")


@pytest.mark.parametrize(
    ("question", "answer", "judged"),
    [
        ("Who designed Talle Kiln?", "Ada Brandt", DESIGNED),
        ("Who designed Oster Mill?", "Ada Brandt", MILL),
        ("Where was Ada Brandt born?", "Orlinga", BORN),
        ("Where did Ada Brandt die?", "Tarrow", DIED),
        ("Who wrote The Salt Road?", "Ivo Lind", WROTE),
        ("Did Ada Brandt design Talle Kiln?", "yes", DESIGNED),
        ("When did Ada Brandt design Talle Kiln?", "1843", DESIGNED),
    ],
)
async def test_no_answer_rests_on_a_wrong_relation(question: str, answer: str, judged: WrongRelation) -> None:
    before, after = await asked(question), await asked(question, judged)
    assert before.answer == answer
    assert after.answer != answer
    sentence = judged_sentence(judged)
    assert not any(one.answer == answer and sentence in one.sentence for one in after.candidates)
    assert not any(step.found == answer for step in after.steps)


@pytest.mark.parametrize(
    ("question", "answer", "judged"),
    [
        ("Who designed Talle Kiln?", "Ada Brandt", MILL),
        ("Who designed Oster Mill?", "Ada Brandt", DESIGNED),
        ("Where was Ada Brandt born?", "Orlinga", DESIGNED),
        ("Where was Ada Brandt born?", "Orlinga", DIED),
        ("Where did Ada Brandt die?", "Tarrow", BORN),
    ],
)
async def test_what_else_its_sentence_says_stays(question: str, answer: str, judged: WrongRelation) -> None:
    assert (await asked(question, judged)).answer == answer


async def test_another_sentence_still_tells_it() -> None:
    town = {**BUILDERS, "guide": ("A guide", "Talle Kiln was designed by Ada Brandt for the brick works.")}
    answer = await asked("Who designed Talle Kiln?", DESIGNED, town=town)
    assert answer.answer == "Ada Brandt"
    assert {step.document_id for step in answer.steps} == {"doc-guide"}


async def test_no_step_is_answered_by_a_wrong_relation() -> None:
    grew = wrong("voss", "Mirela Voss", "grow up in", "Orlinga", "She grew up in Orlinga")
    before, after = await asked(WRITES, town=TOWN), await asked(WRITES, grew, town=TOWN)
    assert [step.found for step in before.steps] == ["Mirela Voss", "Orlinga", "Hanno Brill"]
    assert "Orlinga" not in {step.found for step in after.steps}
