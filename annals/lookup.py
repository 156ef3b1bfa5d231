"""From what a person writes to the aggregate that is meant."""

from collections.abc import Sequence
from pathlib import Path

from annals.composition import Services
from annals.errors import NotFoundError
from contracts.event_types import KIND_OF, AggregateKind
from eventstore.keys import AggregateKey

KINDS: tuple[AggregateKind, ...] = tuple(dict.fromkeys(KIND_OF.values()))


async def find_aggregate(services: Services, given: str, kinds: Sequence[AggregateKind] = KINDS) -> AggregateKey:
    """The aggregate of this id; a file may be named by a relative path. Raises NotFoundError."""
    keys = [AggregateKey(services.settings.tenant, kind, name) for name in _names(given) for kind in kinds]
    known = await services.reader.latest(keys)
    found = next((key for key in keys if key in known), None)
    if found is None:
        raise NotFoundError(f"there is no {' or '.join(kinds)} {given!r}; `annals status` shows what there is")
    return found


def _names(given: str) -> list[str]:
    path = Path(given).expanduser()
    return list(dict.fromkeys((given, str(path.absolute()), str(path.resolve()))))
