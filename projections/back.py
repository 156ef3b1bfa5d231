"""Back to the generations that were switched away from."""

from collections.abc import Sequence

from contracts.topics import Topics
from eventstore.generations import RegisteredGeneration
from eventstore.reader import EventReader
from projections.catch_up import CatchUp
from projections.changes import ReadModel
from projections.errors import NoFormerGenerationError
from projections.generations import Generations
from projections.store import LiveStore
from projections.switching import StillHeld, Successor, switch_together


async def go_back(
    models: Sequence[tuple[ReadModel, LiveStore]],
    generations: Generations,
    reader: EventReader,
    topics: Topics,
    still_held: StillHeld,
    *,
    keep_s: float,
) -> None:
    """Switch together to the generation of each read model that was live before, once it knows what came since.

    What is live now is kept for `keep_s`. Raises NoFormerGenerationError, UnfoldableEventError, StoreUnavailableError
    (SwitchDeferredError among them), and what `still_held` raises.
    """
    former = [await _former(model, store, generations) for model, store in models]
    async with generations.registry.leased([one.id for one in former]):
        for one in former:
            if not await generations.registry.take_over(one.id):
                raise NoFormerGenerationError(f"the former generation of {one.read_model} is gone; replay it")
        successors = [
            Successor(one, await CatchUp.of(model.of(one.model_revision), generations.of(one), reader, topics))
            for (model, _), one in zip(models, former, strict=True)
        ]
        await switch_together(successors, generations, still_held, keep_s=keep_s)


async def _former(model: ReadModel, store: LiveStore, generations: Generations) -> RegisteredGeneration:
    found = await generations.registry.retired(model.name)
    if found is None:
        raise NoFormerGenerationError(
            f"no former generation of {model.name} is kept (see: annals generations); run: annals replay {model.name}"
        )
    if found.schema_version != store.schema_version:
        raise NoFormerGenerationError(
            f"the former generation of {model.name} has schema version {found.schema_version} and this Annals wants "
            f"{store.schema_version}; run: annals replay {model.name}"
        )
    return found
