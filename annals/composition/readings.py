"""Models of entities and of relations: whichever serve, here and in every other process at once."""

from collections.abc import Awaitable, Callable

from annals.composition.embedders import following, which_embedder
from annals.composition.stores import Stores
from eventstore.embedders import EmbedderNames
from inference.runner import Inference
from services.operations.changing_reading import ChangeReading
from services.operations.rebuilding import Rebuilding
from services.processing.present_reading import ServingReadings, WhichReading, following_reading
from services.processing.rereading import Rereading


def which_reading(stores: Stores) -> WhichReading:
    """The one that the live read models show."""
    return WhichReading(stores.generations, EmbedderNames(stores.pool))


def serving_readings(stores: Stores) -> ServingReadings:
    """What the log says of them."""
    return ServingReadings(stores.commands, stores.reader, stores.settings.tenant)


def rereading(stores: Stores) -> Rereading:
    """Of documents that others had read."""
    return Rereading(stores.reader, stores.commands, stores.texts)


def change_reading(stores: Stores, rebuilding: Rebuilding, inference: Inference) -> ChangeReading:
    """`inference` keeps what it makes."""
    return ChangeReading(
        rebuilding,
        which_reading(stores),
        serving_readings(stores),
        rereading(stores),
        inference,
    )


def following_models(inference: Inference, stores: Stores) -> Callable[[], Awaitable[None]]:
    """Has `inference` embed, cut and read with the models that serve now."""
    embedder = following(inference, which_embedder(stores))
    reading = following_reading(inference, which_reading(stores))

    async def follow() -> None:
        await embedder()
        await reading()

    return follow
