"""From a name that somebody gives to the aggregate that is meant."""

from collections.abc import Collection, Sequence

from contracts.event_types import ACCESS_KINDS, KIND_OF, AggregateKind
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from services.caller import Caller
from services.errors import NotFoundError

KINDS: tuple[AggregateKind, ...] = tuple(kind for kind in dict.fromkeys(KIND_OF.values()) if kind not in ACCESS_KINDS)


async def find_aggregate(
    reader: EventReader, caller: Caller, names: Sequence[str], kinds: Sequence[AggregateKind] = KINDS
) -> AggregateKey:
    """The caller's aggregate that has one of these ids; the first of `names` that is known wins.

    Raises NotFoundError, StoreUnavailableError.
    """
    keys = [AggregateKey(caller.tenant, kind, name) for name in names for kind in kinds]
    known = await reader.last.of(keys)
    found = next((key for key in keys if key in known), None)
    if found is None:
        raise unknown(names[0], kinds)
    return found


async def find_within(
    reader: EventReader, caller: Caller, names: Sequence[str], collections: Collection[str]
) -> AggregateKey:
    """As `find_aggregate`, for whoever may see some documents alone: of those, and of the questions that were answered
    from those alone.
    """
    seen = await reader.documents.within(caller.tenant, names, collections)
    for name in names:
        if name in seen:
            return AggregateKey(caller.tenant, "document", name)
        question = AggregateKey(caller.tenant, "reasoning_query", name)
        if await reader.seen.of_aggregate(question, collections, 0, 1):
            return question
    raise unknown(names[0], KINDS)


def unknown(name: str, kinds: Sequence[AggregateKind]) -> NotFoundError:
    """What is said of what is not there, and of what the caller may not know of."""
    what = "document, entity or question" if len(kinds) > 1 else kinds[0].replace("_", " ")
    return NotFoundError(f"there is no {what} {name!r}; `annals list` and `annals entity list` show what there is")
