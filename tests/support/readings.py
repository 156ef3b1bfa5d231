"""An installation whose documents another model may read, without a worker; and what its readers see then."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from annals.composition.inference import open_inference
from annals.composition.models import serving_models
from annals.composition.operations import rebuilding
from annals.composition.readings import change_reading, serving_readings, which_reading
from annals.composition.stores import Stores, open_read_models, open_stores
from annals.settings import load_settings
from inference.extractors import ExtractorName
from inference.runner import Inference
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.operations.changing_reading import ChangedReading, ReadingTask
from services.operations.progress import READ_MODELS
from tests.projections.contract.folding import follow
from tests.projections.history import History
from tests.projections.stories import Story

CALLER = Caller("default", "ada", "cli", FULL_ACCESS)


def soon() -> Deadline:
    """For what does not take long."""
    return Deadline.after(300)


def story(number: int) -> Story:
    """One that a tiny classifier finds other names in than a parser, and than what was found first."""
    return Story(f"d{number}", (f"Ada{number} knows Sefrik .", "Varn lives in Lisse ."), "")


class World:
    """Documents are told of as a model found them that nobody has any more; the settings' parser serves."""

    def __init__(self, stores: Stores, aside: Inference) -> None:
        self.stores = stores
        self.history = History(stores.pool, stores.reader, stores.commands, stores.texts, stores.outputs)
        self.rebuilding = rebuilding(stores)
        self.change = change_reading(stores, self.rebuilding, aside)
        self.which = which_reading(stores)
        self.serving = serving_readings(stores)
        self.own = f"{aside.entities.revision}", f"{aside.relations.revision}"

    async def tell(self, *stories: Story) -> None:
        """These happen, and every read model has them."""
        await self.history.tell(*stories)
        await self.follow()

    async def follow(self) -> None:
        """Every read model is as far as the log."""
        for one in self.stores.projections.values():
            await follow(one.projector, self.history)

    async def to(
        self,
        name: ExtractorName,
        report: Callable[[int], None] = lambda _: None,
        task: ReadingTask = "entities",
        **how: Any,
    ) -> ChangedReading:
        """This one takes over."""
        return await self.change.change(CALLER, task, name, report, deadline=soon(), **how)

    async def named(self, read_model: str = "relational") -> set[tuple[str, str]]:
        """Names and types in a read model."""
        rows = await self.stores.pool.fetch(f"SELECT DISTINCT name, type FROM {read_model}.mentions")
        return {(row["name"], row["type"]) for row in rows}

    async def same(self) -> list[str | None]:
        """What differs from the events in each read model."""
        verdicts = [await self.rebuilding.verify(CALLER, name, lambda _: None, deadline=soon()) for name in READ_MODELS]
        return [verdict.difference for verdict in verdicts]


@contextlib.asynccontextmanager
async def opened(dsn: str, data: Path, **options: Any) -> AsyncIterator[World]:
    """A process of the installation, whose worker has said what serves."""
    settings = load_settings(data=data, pool_size=16, **options)
    async with open_stores(settings, dsn) as stores:
        await open_read_models(stores)
        aside = open_inference(settings, stores.outputs, aside=True)
        try:
            world = World(stores, aside)
            entities, relations = world.own
            await serving_models(stores).report(CALLER, {"entities": entities, "relations": relations}, deadline=soon())
            yield world
        finally:
            aside.close()
