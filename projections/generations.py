"""The generations of the read models: what the registry says of them, and where they lie."""

import logging
from collections.abc import Mapping, Sequence

from eventstore.generations import (
    GenerationInUseError,
    GenerationNotFoundError,
    GenerationRegistry,
    RegisteredGeneration,
)
from projections.store import Generation, LiveStore, Store

log = logging.getLogger(__name__)


class Generations:
    """`stores` by the read model's name. Every method raises StoreUnavailableError."""

    def __init__(self, registry: GenerationRegistry, stores: Mapping[str, LiveStore]) -> None:
        self.registry = registry
        self._stores = stores

    def of(self, registered: RegisteredGeneration) -> Generation:
        """Where it lies."""
        return self._stores[registered.read_model].generation(registered.id)

    async def present(self, read_model: str) -> RegisteredGeneration | None:
        """The one that is read now; None where nobody registered it yet. What knows its own id is asked itself: it may
        have switched a moment before the registry says so.
        """
        found = await self._stores[read_model].live_id()
        if found is None:
            return await self.registry.live(read_model)
        return await self.registry.find_id(found)

    def store_of(self, registered: RegisteredGeneration) -> Store:
        """What holds it, the live one too."""
        return self._stores[registered.read_model] if registered.state == "live" else self.of(registered).store

    async def begin(
        self,
        read_model: str,
        purpose: str,
        *,
        expires_s: float | None,
        as_of: int | None = None,
        model_revision: str | None = None,
        inputs: str | None = None,
        position: int | None = None,
    ) -> tuple[RegisteredGeneration, Generation]:
        """An empty one, which this process builds under a lease that it has to renew (`registry.leased`).

        Raises GenerationExistsError where there is one of this purpose.
        """
        registered = await self.registry.add(
            read_model,
            purpose,
            self._stores[read_model].schema_version,
            expires_s=expires_s,
            as_of=as_of,
            model_revision=model_revision,
            inputs=inputs,
            position=position,
        )
        return registered, self.of(registered)

    async def begin_anew(
        self,
        read_model: str,
        purpose: str,
        *,
        expires_s: float | None,
        model_revision: str | None = None,
        inputs: str | None = None,
        position: int | None = None,
    ) -> tuple[RegisteredGeneration, Generation]:
        """The same; what is there of this purpose is dropped. For who holds the lock of that work."""
        former = await self.registry.find(read_model, purpose)
        if former is not None and await self.registry.take_over(former.id):
            await self.drop(former.id)
        return await self.begin(
            read_model,
            purpose,
            expires_s=expires_s,
            model_revision=model_revision,
            inputs=inputs,
            position=position,
        )

    async def register_live(self, keep_s: float = 0.0) -> None:
        """Know the live ones that are there. Where a server switched and that could not be said, it is said now, and
        the one before is kept for `keep_s`.
        """
        for read_model, store in self._stores.items():
            live = await store.live()
            if live is not None:
                await self.registry.have_live(read_model, live.schema_version, live.id, keep_s=keep_s)

    async def remove_former(self, read_model: str, names: Sequence[str]) -> None:
        """Remove what a process left that was killed before generations had ids. `names`: beginnings, where they end
        in `_`, of what they were called.
        """
        store = self._stores[read_model]
        for name in names:
            endings = await self.registry.schemas(f"{read_model}_{name}") if name.endswith("_") else [""]
            for ending in endings:
                await store.generation(name + ending).discard()

    async def drop(self, generation_id: str) -> RegisteredGeneration:
        """Remove it, and then what is said of it. Raises GenerationNotFoundError, GenerationInUseError."""
        registered = await self.registry.begin_to_drop(generation_id)
        async with self.registry.leased([registered.id]):
            await self.of(registered).discard()
            await self.registry.forget(registered.id)
        return registered

    async def discard(self, registered: RegisteredGeneration) -> None:
        """Drop what nobody wants any more. Where that fails a log line says so: it is tried again later."""
        try:
            await self.drop(registered.id)
        except (GenerationInUseError, GenerationNotFoundError) as error:
            log.debug("somebody else has it: %s", error)
        except Exception as error:
            log.warning("%s: what was being built is left behind, and removed later: %s", registered.read_model, error)

    async def remove_expired(self) -> list[RegisteredGeneration]:
        """Remove those that were kept for long enough, or that a process left that was killed; returns them.

        A read model's server that does not answer keeps its own for the next time.
        """
        expired = [one for one in await self.registry.expired() if one.read_model in self._stores]
        for one in expired:
            await self.discard(one)
        return expired
