"""What was set aside: looked at, tried again, given up; and consumers that were paused, released."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from eventstore.dead_letters import DeadLetter, DeadLetters, Status
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError

RETRY_LIMIT_S = 60.0
POLL_S = 0.2

Outcome = Literal["resolved", "dropped", "failed again", "still being tried"]


@dataclass(frozen=True, slots=True)
class Listing:
    """The newest letters first. `of_no_tenant` counts those that only the operator sees, where they are left out."""

    letters: tuple[DeadLetter, ...]
    of_no_tenant: int


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of one letter; `cause` says why it failed again."""

    letter_id: int
    outcome: Outcome
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """What became of all; `missing` are ids that were no open letters of the caller's."""

    letters: tuple[Retried, ...]
    missing: tuple[int, ...]

    @property
    def went_well(self) -> bool:
        """Whether every letter that was named is resolved now."""
        return not self.missing and all(letter.outcome == "resolved" for letter in self.letters)


class DeadLetterService:
    """`all_tenants` is the operator's view: letters of every tenant and of none; else the caller's tenant alone.

    Whoever may see some documents alone has the letters of those, where none of their fields is masked. A message to an
    inbox is of the document that it names, where there is one: what it would have made of it is not decided.

    Letters hold whole messages. Every method raises AccessDeniedError, StoreUnavailableError and DeadlineExceededError.
    """

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    async def newest(
        self, caller: Caller, status: Status | None, limit: int, *, all_tenants: bool, deadline: Deadline
    ) -> Listing:
        """At most `limit` letters of one status, or of all."""
        tenant, seen = _allowed(caller, "read", all_tenants)
        is_operator = caller.access.decide("system", "administer").allowed
        async with deadline.enforce("listing dead letters"):
            letters = await self._letters.newest(tenant, status, limit, seen)
            of_none = await self._letters.count_of_no_tenant() if is_operator and not all_tenants else 0
        return Listing(tuple(letters), of_none)

    async def get(self, caller: Caller, letter_id: int, *, all_tenants: bool, deadline: Deadline) -> DeadLetter:
        """One letter, whole. Raises NotFoundError."""
        tenant, seen = _allowed(caller, "read", all_tenants)
        async with deadline.enforce("showing a dead letter"):
            letter = await self._letters.get(tenant, letter_id, seen)
        if letter is None:
            raise NotFoundError(f"there is no dead letter {letter_id}; see: annals dead-letters list --status all")
        return letter

    async def retry(self, caller: Caller, ids: Sequence[int] | None, *, all_tenants: bool, deadline: Deadline) -> Retry:
        """Publish these letters again, or all that are not done with; wait until the deadline for what becomes of them.

        A letter of which nothing is known by then is `still being tried`, which is no error.
        """
        tenant, seen = _allowed(caller, "execute", all_tenants)
        async with deadline.enforce("asking for another try"):
            asked = await self._letters.mark_retrying(tenant, ids, seen)
        found: dict[int, Retried] = {}
        while waiting := [letter_id for letter_id in asked if letter_id not in found]:
            for letter_id in waiting:
                if (outcome := await self._outcome(letter_id)) is not None:
                    found[letter_id] = outcome
            if deadline.remaining_s <= 0:
                break
            await asyncio.sleep(POLL_S)
        return Retry(
            tuple(found.get(letter_id, Retried(letter_id, "still being tried")) for letter_id in asked),
            tuple(sorted(set(ids or ()) - set(asked))),
        )

    async def drop(
        self, caller: Caller, ids: Sequence[int], reason: str, *, all_tenants: bool, deadline: Deadline
    ) -> tuple[int, ...]:
        """Give letters up, with the reason; returns the ids of those that were not done with."""
        tenant, seen = _allowed(caller, "delete", all_tenants)
        async with deadline.enforce("dropping dead letters"):
            return tuple(await self._letters.drop(tenant, ids, reason, seen))

    async def resume(self, caller: Caller, consumers: Sequence[str], *, deadline: Deadline) -> tuple[str, ...]:
        """Release paused consumers; returns the names of those that were paused. For the operator: of no tenant."""
        caller.require("system", "administer")
        async with deadline.enforce("releasing consumers"):
            return tuple(await self._letters.paused.release(consumers))

    async def _outcome(self, letter_id: int) -> Retried | None:
        letter = await self._letters.get(None, letter_id)
        if letter is None or letter.status == "retrying":
            return None
        if letter.status == "open":
            return Retried(letter_id, "failed again", letter.cause)
        return Retried(letter_id, letter.status)


def _allowed(caller: Caller, action: str, all_tenants: bool) -> tuple[str | None, frozenset[str] | None]:
    """The tenant whose letters are meant, None for all; and the collections of their documents, None for all letters.

    Raises AccessDeniedError.
    """
    if all_tenants:
        caller.require_everything("dead_letters", action)
        caller.require("system", "administer")
        return None, None
    caller.require("dead_letters", action)
    reach = caller.access.reach("dead_letters", action)
    return caller.tenant, None if reach.is_everything else reach.whole
