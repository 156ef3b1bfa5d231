"""A master key that never leaves a key management system: the HTTP interface of the transit engine of HashiCorp Vault
and OpenBao, which encrypts and decrypts what it is sent."""

import asyncio
import base64
import binascii
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from eventstore.errors import StoreUnavailableError
from inference.external.client import ExternalSystemClient
from inference.external.errors import PASSING, ExternalSystemError
from security.errors import MasterKeyError
from security.master_key import WrappedKey

AT_ONCE = 8
"""Requests that are on their way at the same time."""
T = TypeVar("T")


class TransitMasterKey:
    """`security.master_key.MasterKey`. The system rotates the key and keeps its older versions."""

    def __init__(self, client: ExternalSystemClient, name: str) -> None:
        """`name` is the key's name there; it is of type aes256-gcm96."""
        self._client, self._name = client, name
        self._master = f"transit:{name}"
        self.source = f"{client.settings.base_url}, key {name}"

    async def begin(self) -> None:
        """Whoever runs the system makes the key."""

    async def wrap(self, key: bytes, associated: bytes) -> WrappedKey:
        """See MasterKey."""
        said = {"plaintext": _encoded(key), "associated_data": _encoded(associated)}
        answer = await self._put(f"v1/transit/encrypt/{self._name}", said)
        return WrappedKey(self._master, self._part(answer, "ciphertext").encode())

    async def unwrap(self, wrapped: WrappedKey, associated: bytes) -> bytes:
        """See MasterKey."""
        if wrapped.master != self._master:
            raise MasterKeyError(
                f"a data key is wrapped by {wrapped.master}, not by {self._master}; set the master key that it had"
            )
        said = {"ciphertext": wrapped.data.decode("ascii", "replace"), "associated_data": _encoded(associated)}
        answer = await self._put(f"v1/transit/decrypt/{self._name}", said)
        try:
            return base64.b64decode(self._part(answer, "plaintext"), validate=True)
        except (binascii.Error, ValueError):
            raise self._nonsense() from None

    async def wrap_many(self, keys: Sequence[tuple[bytes, bytes]]) -> list[WrappedKey]:
        """See MasterKey; some at a time."""
        return await _some_at_a_time(self.wrap(key, associated) for key, associated in keys)

    async def unwrap_many(self, wrapped: Sequence[tuple[WrappedKey, bytes]]) -> list[bytes]:
        """See MasterKey; some at a time."""
        return await _some_at_a_time(self.unwrap(one, associated) for one, associated in wrapped)

    async def is_present(self, wrapped: WrappedKey) -> bool:
        """Never known: wrapping anew with the same version does no harm."""
        return False

    async def rotate(self) -> None:
        """Ask for a new version."""
        await self._put(f"v1/transit/keys/{self._name}/rotate", {})

    async def forget_older(self) -> None:
        """The system's own affair (`min_decryption_version`)."""

    async def _put(self, path: str, said: dict[str, str]) -> Any:
        try:
            return await self._client.put_json(path, said)
        except PASSING as error:
            raise StoreUnavailableError(f"the key management system is away: {error}") from None
        except ExternalSystemError as error:
            raise MasterKeyError(
                f"the key management system refuses: {error}; check its key, token and policy"
            ) from None

    def _part(self, answer: Any, name: str) -> str:
        found = answer.get("data") if isinstance(answer, dict) else None
        part = found.get(name) if isinstance(found, dict) else None
        if not isinstance(part, str):
            raise self._nonsense()
        return part

    def _nonsense(self) -> MasterKeyError:
        return MasterKeyError(f"{self._client.settings.base_url} does not answer as a transit engine; check kms_url")


async def _some_at_a_time(asked: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    free = asyncio.Semaphore(AT_ONCE)

    async def one(call: Coroutine[Any, Any, T]) -> T:
        async with free:
            return await call

    return await asyncio.gather(*map(one, asked))


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
