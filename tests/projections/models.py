"""The three read models over one history, each with its store and its projector."""

from contracts.topics import topics
from eventstore.generations import GenerationRegistry
from projections.changes import Positions, ReadModel, uniform_positions
from projections.generations import Generations
from projections.graph.model import LAYOUT as GRAPH
from projections.graph.model import GraphModel
from projections.postgres.live import LivePostgresStore
from projections.projector import Projector
from projections.relational.model import LAYOUT as RELATIONAL
from projections.relational.model import RelationalModel
from projections.replay import Report, replay
from projections.store import LiveStore
from projections.vector.model import VectorModel
from projections.vector.postgres import VectorStore
from projections.verify import Verdict, verify
from tests.projections.contract.folding import digests, follow
from tests.projections.history import History

NAMES = ("relational", "graph", "vector")


class LiveModel:
    """One read model in PostgreSQL, following a history."""

    def __init__(self, model: ReadModel, store: LiveStore, history: History) -> None:
        self.model = model
        self.store = store
        self.history = history
        self.projector = Projector(model, store, history.reader)
        self.generations = generations_of(history, (model, store))

    async def everything(self) -> None:
        """Bring it to all that happened, and let it know how far that is."""
        await follow(self.projector, self.history)
        await self.store.write([], await self.log_positions())

    async def log_positions(self) -> Positions:
        """The position of everybody who knows the whole log."""
        return uniform_positions(self.model, topics(), await self.history.reader.head())

    async def replay(self) -> int:
        """Build it anew; returns its rows."""
        rows = await replay([(self.model, self.store)], self.generations, self.history.reader, topics(), lambda _: None)
        return rows[self.model.name]

    async def verify(self, report: Report = lambda _: None) -> Verdict:
        """Compare it with the log."""
        return await verify(self.model, self.store, self.generations, self.history.reader, topics(), report)

    async def digests(self) -> dict[str, str]:
        """What it holds, by table."""
        return await digests(self.store)


async def open_model(name: str, history: History) -> LiveModel:
    """By its name; empty."""
    model, store = _parts(name, history)
    await store.open()
    return LiveModel(model, store, history)


def generations_of(history: History, *models: tuple[ReadModel, LiveStore]) -> Generations:
    """Of these read models, with the registry of the history's database."""
    return Generations(GenerationRegistry(history.pool), {model.name: store for model, store in models})


async def generations(history: History) -> set[str]:
    """The schemas of every generation that there is, of any read model."""
    rows = await history.pool.fetch("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(relational|graph|vector)'")
    return {row["nspname"] for row in rows}


def _parts(name: str, history: History) -> tuple[ReadModel, LiveStore]:
    if name == "relational":
        return RelationalModel(), LivePostgresStore(history.pool, RELATIONAL)
    if name == "graph":
        return GraphModel(), LivePostgresStore(history.pool, GRAPH)
    return VectorModel(history.texts, history.outputs), VectorStore(history.pool)
