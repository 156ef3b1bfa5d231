"""Opening the stored bytes of events many at a time, in the clear, as they are published."""

from collections.abc import Sequence

from pydantic_core import to_json

from eventstore.sealed_events import fields_of, key_of, keys_in, opened
from eventstore.stream_keys import StreamKeys


async def open_states(states: Sequence[bytes], keys: StreamKeys) -> list[bytes | None]:
    """Each as JSON in the clear, spelled in some way; None for what was erased. What is no JSON stays as it is.

    Raises StoreUnavailableError, MasterKeyError, UnknownKeyError, DecryptionError.
    """
    read = [fields_of(state) for state in states]
    secrets = await keys.for_reading(keys_in(read))
    clear: list[bytes | None] = []
    for state, fields in zip(states, read, strict=True):
        key = key_of(fields)
        if key is None:
            clear.append(state)
        else:
            secret = secrets[key]
            clear.append(None if secret is None else to_json(opened(fields, secret)))
    return clear
