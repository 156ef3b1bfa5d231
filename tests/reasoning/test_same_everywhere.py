"""The same question on the same knowledge has the same answer, to the last bit, in every process and in whatever order
a database gives its rows."""

import asyncio
import os
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from contracts.ids import entity_id
from projections.graph.reads import GraphSnapshot, Mention, Statement, Subject
from projections.vector.reads import Hit
from reasoning.answer import answer_of
from reasoning.embedder import OneEmbedder, Vectors
from reasoning.engine import Reasoner
from reasoning.index import Index
from reasoning.leads import FoundPassages
from reasoning.neighbourhood import Neighbourhoods
from reasoning.part import ReadPassages
from reasoning.path_ranking import rank
from tests.reasoning.town import TENANT, TOWN, TownEmbedder, TownReaders, passages_of, snapshot_of

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60
VALLEY = {
    **TOWN,
    "mill": (
        "Oster Mill",
        "Oster Mill is a watermill on the River Linde near Orlinga. It was built in 1731 by Jakob Brandt.",
    ),
    "brandt": ("Jakob Brandt", "Jakob Brandt (1698-1767) was a millwright. He was born in Weddern on the River Linde."),
    "kiln": ("Talle Kiln", "Talle Kiln is a lime kiln in Weddern, built in 1802 by Ida Sommer, who knew Mirela Voss."),
    "sommer": ("Ida Sommer", "Ida Sommer was an engineer from Orlinga. She drew the Teshe Bridge and Talle Kiln."),
    "weddern": ("Weddern", "Weddern is a town on the River Linde. Its mayor was Jakob Brandt until 1760."),
}
QUESTIONS = (
    "Who is mayor of the town where the writer of The Glass Lantern grew up?",
    "When was the old watermill on the River Linde near Orlinga built by the millwright of Weddern?",
    "Which engineer from Orlinga drew the bridge and the lime kiln in Weddern?",
    "Which was built first, Oster Mill or Talle Kiln?",
    "Did Ida Sommer build the old lime kiln in Weddern?",
    "Which towns lie on the River Linde?",
)


class HashedEmbedder(TownEmbedder):
    """Vectors of the words' checksums, without a model: like texts are near, in every process."""

    def __init__(self) -> None:
        """Nothing to load."""

    @property
    def revision(self) -> str:
        """No model's."""
        return "hashed"

    async def load(self) -> None:
        """Nothing to load."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, 32), rows of length 1."""
        rows = np.zeros((len(texts), 32), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[zlib.crc32(word.encode()) % 32] += 1.0
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def valley() -> GraphSnapshot:
    """With names that are several things', so that more than one node is reached by a name."""
    said = snapshot_of(VALLEY)
    names = ("River Linde", "Jakob Brandt", "Orlinga", "Weddern", "Mirela Voss", "Teshe")
    held = [(name, key) for name in names for key, (_, text) in VALLEY.items() if name in text]
    entities = {f"{name}/{number}": name for name in names for number in range(5)}
    subjects = [
        Subject(entity_id(TENANT, own), name, "mill" if name == "Teshe" else "kiln", 0.3 + number / 10)
        for number, (own, name) in enumerate(entities.items())
        if name != "Orlinga"
    ]
    mentions = [
        Mention(entity_id(TENANT, own), name, key, 1)
        for own, name in entities.items()
        for of, key in held
        if of == name
    ]
    statements = [
        Statement(f"r{number}", entity_id(TENANT, one), one, "know", entity_id(TENANT, two), two, "mill", 0, 9, 0.37)
        for number, (one, two) in enumerate(zip(list(entities), list(entities)[1:], strict=False))
    ]
    return GraphSnapshot([*said.subjects, *subjects], [*said.mentions, *mentions], [*said.statements, *statements])


class ValleyReaders(TownReaders):
    """Gives its rows in one order or in the opposite one."""

    def __init__(self, *, backwards: bool = False) -> None:
        super().__init__(HashedEmbedder(), VALLEY)
        self._step = -1 if backwards else 1

    async def named(self, tenant: str, keys: Sequence[str], most: int) -> list[Subject]:
        """By key."""
        return (await super().named(tenant, keys, most))[:: self._step]

    async def mentioned(self, tenant: str, keys: Sequence[str], most: int) -> list[Mention]:
        """By key."""
        return (await super().mentioned(tenant, keys, most))[:: self._step]

    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """What these passages say."""
        said, own = valley(), set(chunk_ids)
        return GraphSnapshot(
            [one for one in said.subjects if one.chunk_id in own][:: self._step],
            [one for one in said.mentions if one.chunk_id in own][:: self._step],
            [one for one in said.statements if one.chunk_id in own][:: self._step],
        )


def told() -> str:
    """All that is worked out of every question, with every bit of its numbers."""
    index = Index(passages_of(VALLEY), valley())
    near = [Hit(key, 0.9 - 0.07 * number) for number, key in enumerate(VALLEY)]
    lines = []
    for question in QUESTIONS:
        ranking = rank(index, question, near, near[::-1])
        found = answer_of(index, question, ranking, ranking.best(10))
        scores = [float(score).hex() for score in ranking.scores]
        others = [(one.span.text, one.score.hex(), one.share.hex()) for one in found.others]
        lines.append(repr((scores, list(ranking.question), found.text, found.confidence.hex(), others, found.missing)))
        lines.append(repr(asked(ValleyReaders(), question)))
    return "\n".join(lines)


def asked(readers: ValleyReaders, question: str) -> object:
    """The whole answer."""
    return asyncio.run(Reasoner(readers, readers, OneEmbedder(HashedEmbedder())).ask(TENANT, question, k=10))


@pytest.mark.pipeline
def test_every_process_answers_alike() -> None:
    """Strings are hashed by another seed in each, which orders sets of them."""
    code = "from tests.reasoning.test_same_everywhere import told; print(told())"
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    try:
        first, second = (process.communicate(timeout=LIMIT_S)[0] for process in processes)
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0]
    assert len(first.splitlines()) == 2 * len(QUESTIONS)
    assert first.splitlines() == second.splitlines()


def test_the_order_of_rows_makes_no_difference() -> None:
    for question in QUESTIONS:
        assert asked(ValleyReaders(), question) == asked(ValleyReaders(backwards=True), question)


async def test_the_order_of_rows_makes_no_other_walk() -> None:
    """Nodes are numbered alike, so that chances are added up alike."""
    vector = (await HashedEmbedder().embed([QUESTIONS[1]]))[0]
    found = FoundPassages(QUESTIONS[1], "hashed", vector, [], [], ReadPassages({}, GraphSnapshot([], [], []), []))
    walks = []
    for readers in (ValleyReaders(), ValleyReaders(backwards=True)):
        hoods = Neighbourhoods(readers, readers)
        hood = await hoods.around(TENANT, found, await hoods.named(TENANT, found.question), None)
        walks.append(hood.index.chances.toarray())
    first, second = walks
    assert first.shape == second.shape and (first == second).all()
