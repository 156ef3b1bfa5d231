"""A question set as the pipeline takes it in: passages, graph, and what the searches bring for each question."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from annals.cli.context import CommandContext
from annals.cli.here.documents import take_by
from annals.composition.embedders import QuestionEmbedder
from annals.composition.inference import open_inference
from annals.composition.stores import open_stores
from annals.loading import load, set_aside
from annals.session import session
from annals.settings import Settings
from bench.ingest import MemoryOutputs
from projections.graph.reads import GraphSnapshot
from projections.vector.reads import Hit, Passage
from reasoning.engine import DEPTH
from services.deadline import Deadline

LIMIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question with its accepted answers, its gold documents, and the hits by meaning and by words."""

    question: str
    answers: tuple[str, ...]
    gold: frozenset[str]
    near: Sequence[Hit]
    matching: Sequence[Hit]


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Everything that ranking and answering need of a question set."""

    name: str
    passages: Sequence[Passage]
    snapshot: GraphSnapshot
    questions: Sequence[AskedQuestion]

    @classmethod
    def of(cls, name: str, fields: Mapping[str, Any]) -> "Retrieved":
        """What `fields` gave."""
        questions = [
            AskedQuestion(q["question"], tuple(q["answers"]), frozenset(q["gold"]), q["near"], q["matching"])
            for q in fields["questions"]
        ]
        return cls(name, fields["passages"], fields["snapshot"], questions)

    def fields(self) -> dict[str, Any]:
        """To be pickled."""
        questions = [
            {"question": q.question, "answers": q.answers, "gold": q.gold, "near": q.near, "matching": q.matching}
            for q in self.questions
        ]
        return {"passages": self.passages, "snapshot": self.snapshot, "questions": questions}


async def retrieve(folder: Path, data: Path) -> Retrieved:
    """Take `corpus.jsonl` in with an Annals of its own in `data`, and search for each line of `questions.jsonl`."""
    settings = Settings.model_validate({"data": data})
    context = CommandContext(json=False, settings=settings, people=Console(stderr=True))
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    async with session(settings, processing=True, new=True) as opened:
        storage = opened.use_cases.storage
        documents = set_aside(load([str(folder / "corpus.jsonl")], io.BytesIO()), [])
        taken = await take_by(context, storage.taking, documents)
        await storage.waiting.until_projected(
            context.caller, list(taken.documents), lambda _: None, deadline=Deadline.after(LIMIT_S)
        )
        inference = open_inference(settings, MemoryOutputs())
        embedder = QuestionEmbedder(inference)
        async with open_stores(settings, opened.state.addresses["postgres"]) as stores:
            reads, tenant = stores.read, settings.tenant
            found = []
            for line in map(json.loads, lines):
                (vector,) = await embedder.embed([line["question"]])
                near = await reads.passages.nearest(tenant, embedder.revision, vector, DEPTH)
                matching = await reads.passages.matching(tenant, line["question"], DEPTH)
                answers, gold = tuple(line["answers"]), frozenset(line.get("gold", ()))
                found.append(AskedQuestion(line["question"], answers, gold, near, matching))
            passages = await reads.passages.all_passages(tenant)
            snapshot = await reads.graph.snapshot(tenant)
        inference.close()
    return Retrieved(folder.name, passages, snapshot, found)
