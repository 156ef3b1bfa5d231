"""An installation whose embedder another one may take over from, without a worker; and what its readers see then."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annals.composition.embedders import change_embedder, which_embedder
from annals.composition.inference import open_inference
from annals.composition.models import ask_service, search_passages, serving_models
from annals.composition.operations import rebuilding
from annals.composition.stores import Stores, open_read_models, open_stores
from annals.settings import load_settings
from eventstore.errors import StoreUnavailableError
from inference.embedders import EmbedderName
from inference.embedding import Embedder
from inference.model import NothingKept
from inference.runner import Inference
from projections.vector.reads import Hit
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.operations.changing_embedder import ChangedEmbedder, ChangeEmbedder
from services.operations.progress import READ_MODELS
from services.operations.rebuilding import Rebuilding
from services.reasoning.ask import AskService
from services.reasoning.service import ReasoningService
from services.search.results import SearchRequest
from services.search.search import SearchPassages
from tests.inference.tiny import make_encoder
from tests.projections.contract.folding import follow
from tests.projections.history import History
from tests.projections.stories import Story

CALLER = Caller("default", "ada", "cli", FULL_ACCESS)
QUESTION = "Who lives in the bridge ?"
MOST = 60
"""Documents that come in meanwhile."""
SWITCH_LIMIT_S = 60.0
TOWNS = ("bridge", "varn", "lisse", "sefrik")


def soon() -> Deadline:
    """For what does not take long."""
    return Deadline.after(300)


@dataclass(frozen=True)
class Embedders:
    """Two of them; `by` what they are called."""

    folders: tuple[Path, Path]
    models: tuple[Embedder, Embedder]

    @property
    def names(self) -> list[EmbedderName]:
        """What each is called."""
        named = zip(self.folders, self.revisions, strict=True)
        return [EmbedderName(str(folder)).computing(revision) for folder, revision in named]

    @property
    def revisions(self) -> list[str]:
        """What each says of itself."""
        return [model.revision for model in self.models]

    def story(self, number: int) -> Story:
        """A document that the first one embedded."""
        first = self.models[0]

        class Embedded(Story):
            @property
            def embedder(self) -> str:
                return first.revision

            @property
            def outputs(self) -> dict[str, bytes]:
                made = zip(self.chunks, first.run(self.inputs), strict=True)
                return {chunk.input_digest: output for chunk, output in made}

        town = TOWNS[number % len(TOWNS)]
        return Embedded(f"d{number}", (f"Ada{number} lives in the {town} .", "Varn lives in the bridge ."), "Sefrik")

    def scores(self, question: str, stories: Sequence[Story]) -> dict[str, list[float]]:
        """How near the question is to each text of these, by each embedder."""
        texts = {text: read for story in stories for text, read in zip(story.sentences, story.inputs, strict=True)}
        by: list[list[float]] = []
        for model in self.models:
            kept = np.frombuffer(b"".join(model.run(list(texts.values()))), dtype="<f2").astype(np.float32)
            rows = kept.reshape(len(texts), -1)
            asked = model.embed([question])[0]
            by.append((rows @ asked / np.linalg.norm(rows, axis=1)).tolist())
        return {text: [own[number] for own in by] for number, text in enumerate(texts)}


def make_embedders(folder: Path) -> Embedders:
    """Of one dimension, so that only the revision tells their vectors apart."""
    folders = make_encoder(folder / "first"), make_encoder(folder / "second", seed=2)
    return Embedders(folders, (Embedder(str(folders[0])), Embedder(str(folders[1]))))


class World:
    """An installation that the first embedder serves; documents are told of, and no worker runs."""

    def __init__(self, stores: Stores, inference: Inference, aside: Inference) -> None:
        self.stores, self.inference = stores, inference
        self.history = History(stores.pool, stores.reader, stores.commands, stores.texts, stores.outputs)
        self.rebuilding: Rebuilding = rebuilding(stores)
        self.change: ChangeEmbedder = change_embedder(stores, self.rebuilding, aside)
        self.ask: AskService = ask_service(stores, inference, None)
        self.search: SearchPassages = search_passages(stores, ReasoningService(self.ask))

    async def tell(self, *stories: Story) -> None:
        """These happen, and every read model has them; a writer that a switch turned away comes again, as live ones."""
        await self.history.tell(*stories)
        for one in self.stores.projections.values():
            async with asyncio.timeout(SWITCH_LIMIT_S):
                while True:
                    try:
                        await follow(one.projector, self.history)
                        break
                    except StoreUnavailableError:
                        await asyncio.sleep(0.05)

    async def to(
        self, name: EmbedderName, report: Callable[[int], None] = lambda _: None, **how: Any
    ) -> ChangedEmbedder:
        """This one takes over."""
        return await self.change.change(CALLER, name, report, deadline=soon(), **how)

    async def serving(self) -> str | None:
        """The revision of the one that serves."""
        return (await which_embedder(self.stores).present()).revision

    async def nearest(self) -> list[Hit]:
        """What a search by meaning finds."""
        page = await self.search.search(
            CALLER, SearchRequest(QUESTION, mode="vector"), after=None, limit=100, deadline=soon()
        )
        return [Hit(one.passage.text, one.passage.score) for one in page.passages]

    async def same(self) -> list[str | None]:
        """What differs from the events in each read model."""
        verdicts = [await self.rebuilding.verify(CALLER, name, lambda _: None, deadline=soon()) for name in READ_MODELS]
        return [verdict.difference for verdict in verdicts]


@contextlib.asynccontextmanager
async def opened(dsn: str, data: Path, embedders: Embedders, **options: Any) -> AsyncIterator[World]:
    """A process of the installation; its settings name the first one."""
    settings = load_settings(data=data, embedder=str(embedders.folders[0]), pool_size=16, **options)
    async with open_stores(settings, dsn) as stores:
        await open_read_models(stores)
        with contextlib.ExitStack() as stack:
            inferences = open_inference(settings, NothingKept()), open_inference(settings, stores.outputs, aside=True)
            for one in inferences:
                stack.callback(one.close)
            world = World(stores, *inferences)
            yield world
            await world.ask.close()


async def begin(world: World, embedders: Embedders) -> None:
    """A worker that the first one serves was there."""
    serving = serving_models(world.stores)
    await serving.report(CALLER, {"embedding": embedders.revisions[0]}, deadline=soon())
    await serving.keep(CALLER, embedders.revisions[0], embedders.names[0], deadline=soon())


async def read_throughout(world: World, embedders: Embedders) -> None:
    """While documents come in, with three replays of every read model and two changes of the embedder: every answer has
    sources, and every search is by vectors of one embedder or of the other.
    """
    stories = list(map(embedders.story, range(MOST)))
    read = embedders.scores(QUESTION, stories)
    await world.tell(*stories[:6])
    seen: list[int] = []
    done = asyncio.Event()

    async def ingesting() -> None:
        for story in stories[6:]:
            if done.is_set():
                return
            await world.tell(story)

    async def asking() -> None:
        while not done.is_set():
            asked = await world.ask.ask(CALLER, f"{QUESTION} {len(seen)}", 5, soon())
            assert asked.answer.sources, "an empty answer"
            seen.append(0)

    async def searching() -> None:
        while not done.is_set():
            hits = await world.nearest()
            assert len(hits) >= 12, "less than was there at the beginning"
            by = [all(abs(hit.score - read[hit.chunk_id][number]) < 1e-2 for hit in hits) for number in (0, 1)]
            assert sum(by) == 1, "vectors of two embedders"
            seen.append(1 + by.index(True))

    async def rebuilt() -> None:
        try:
            for number in (1, 0):
                await world.rebuilding.replay(CALLER, READ_MODELS, lambda _: None, deadline=soon())
                await world.to(embedders.names[number])
            await world.rebuilding.replay(CALLER, READ_MODELS, lambda _: None, deadline=soon())
        finally:
            done.set()

    async with asyncio.TaskGroup() as tasks:
        for work in (ingesting, asking, asking, searching, searching, rebuilt):
            tasks.create_task(work())
    assert set(seen) == {0, 1, 2}
    assert await world.same() == [None, None, None]
