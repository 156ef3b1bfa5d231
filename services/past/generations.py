"""Generations of read models as they were at a position, by a name that people give them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from contracts.topics import Topics
from eventstore.generations import GenerationExistsError, RegisteredGeneration
from eventstore.reader import EventReader
from projections.as_of import make_as_of
from projections.generations import Generations
from projections.projection import Projection
from projections.replay import Report
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError, NotFoundError
from services.past.served import served_at
from services.processing.present_embedder import ServingEmbedders
from services.processing.present_reading import ServingReadings

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
LIVE = "live"
"""What the generation that follows the log is called where generations are compared."""
RESERVED = frozenset({LIVE, "next", "verify", "old", "former"})
MOST = 20
"""Names that there are at once: each holds all read models once more."""
EXPIRES_S = 86_400.0


class UnknownGenerationError(NotFoundError):
    """There is no generation of this name, or it has expired; annals generations lists those there are."""


class IncompleteGenerationError(NotFoundError):
    """The generation does not hold what is asked for; make one of all read models: annals replay --as-of."""


@dataclass(frozen=True, slots=True)
class NamedGeneration:
    """Read models as of one position, the last event of which was recorded at `recorded_at`, None before the first.

    `parts`: what is registered, by read model.
    """

    name: str
    position: int
    recorded_at: datetime | None
    expires_at: datetime | None
    parts: Mapping[str, RegisteredGeneration]

    def part(self, read_model: str) -> RegisteredGeneration:
        """What is registered of one read model. Raises IncompleteGenerationError."""
        part = self.parts.get(read_model)
        if part is None:
            raise IncompleteGenerationError(
                f"the generation {self.name!r} has no {read_model} read model; make one of all of them: "
                f"annals replay all --as-of {self.position} --name NAME"
            )
        return part

    @property
    def rows(self) -> dict[str, int]:
        """By read model."""
        return {name: part.rows or 0 for name, part in self.parts.items()}


class PastGenerations:
    """Every method raises StoreUnavailableError, DeadlineExceededError."""

    def __init__(
        self,
        projections: Mapping[str, Projection],
        generations: Generations,
        reader: EventReader,
        topics: Topics,
        embedders: ServingEmbedders,
        readings: ServingReadings,
    ) -> None:
        self._projections = projections
        self._generations = generations
        self._reader = reader
        self._topics = topics
        self._embedders = embedders
        self._readings = readings

    async def make(
        self,
        caller: Caller,
        name: str,
        moment: int | datetime | None,
        read_models: Sequence[str],
        report: Report,
        *,
        expires_s: float | None = EXPIRES_S,
        deadline: Deadline,
        revisions: Mapping[str, str] = MappingProxyType({}),
    ) -> NamedGeneration:
        """The read models as they were at a position, or a time, of every tenant; they stay so until they expire. None:
        at the log's end.

        `report` gets the aggregates done so far; `revisions`: what is made of other models than served then, by the
        read model. Raises AccessDeniedError, InvalidRequestError, GenerationExistsError,
        UnfoldableEventError.
        """
        caller.require("projections", "execute")
        await self.check_free(name, deadline=deadline)
        async with deadline.enforce("making the read models of the past"):
            position = await self._position(moment)
            chosen = [(self._projections[one].model, self._projections[one].store) for one in read_models]
            await make_as_of(
                chosen,
                name,
                position,
                self._generations,
                self._reader,
                self._topics,
                report,
                expires_s=expires_s,
                revisions={**await served_at(position, self._embedders, self._readings), **revisions},
            )
        return await self.find(name, deadline=deadline)

    async def check_free(self, name: str, *, deadline: Deadline) -> None:
        """See that one may be made of this name. Raises InvalidRequestError, GenerationExistsError."""
        check_name(name)
        async with deadline.enforce("looking for a generation"):
            await self._generations.remove_expired()
            there = [one for one in await self._generations.registry.all() if one.purpose == name]
            if there:
                raise GenerationExistsError(
                    f"there is a generation {name!r} as of position {there[0].as_of}; choose another name, or drop it: "
                    f"annals generations drop {there[0].id}"
                )
            if len({one.purpose for one in await self._named()}) >= MOST:
                raise InvalidRequestError(
                    f"there are {MOST} generations of the past; drop one first: annals generations"
                )

    async def discard(self, generation: NamedGeneration) -> None:
        """Drop it. What cannot be dropped now is removed when it expires."""
        for part in generation.parts.values():
            await self._generations.discard(part)

    async def find(self, name: str, *, deadline: Deadline) -> NamedGeneration:
        """What is ready of this name. Raises UnknownGenerationError."""
        async with deadline.enforce("looking for a generation"):
            parts = {one.read_model: one for one in await self._named() if one.purpose == name}
            if not parts or any(one.state != "ready" for one in parts.values()):
                raise UnknownGenerationError(
                    f"there is no generation {name!r}; annals generations lists those there are"
                    if not parts
                    else f"the generation {name!r} is being made; ask it when annals generations calls it ready"
                )
            first = next(iter(parts.values()))
            assert first.as_of is not None
            recorded = await self._reader.recorded_at(first.as_of)
        return NamedGeneration(name, first.as_of, recorded, first.expires_at, parts)

    async def _named(self) -> list[RegisteredGeneration]:
        """Those of the past that are there, or being made."""
        now = datetime.now(UTC)
        return [
            one
            for one in await self._generations.registry.all()
            if one.as_of is not None
            and one.state in ("building", "ready")
            and (one.expires_at is None or one.expires_at > now)
        ]

    async def _position(self, moment: int | datetime | None) -> int:
        head = await self._reader.head()
        if moment is None:
            return head
        if isinstance(moment, datetime):
            if moment > datetime.now(UTC):
                raise InvalidRequestError(f"{moment.isoformat()} is yet to come; name a moment of the past")
            return await self._reader.position_at(moment)
        if moment > head:
            raise InvalidRequestError(f"the log ends at position {head}; name that one, or one before it")
        return moment


def check_name(name: str) -> None:
    """Raises InvalidRequestError."""
    if not NAME.fullmatch(name) or name in RESERVED:
        raise InvalidRequestError(
            f"{name!r} cannot name a generation; take a letter, then letters, digits, - or _, in lower case, 32 at "
            f"most, and none of {', '.join(sorted(RESERVED))}"
        )
