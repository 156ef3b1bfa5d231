"""Passwords by Argon2id (RFC 9106), outside the event loop, a few at a time."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from contracts.errors import AnnalsError

T = TypeVar("T")

MIN_CHARACTERS = 12
MAX_CHARACTERS = 256
AT_ONCE = 2
"""Each takes 64 MiB and a processor core for a few hundredths of a second."""
MAX_WAITING = 32

MEMORY_KIB = 65_536
TIME_COST = 3
LANES = 4
"""RFC 9106, section 4, second recommended option."""


class WeakPasswordError(AnnalsError):
    """A password has 12 to 256 characters, several different ones, and is not the account's name; choose another."""


class PasswordsBusyError(AnnalsError):
    """As many passwords are being checked as may be; try again in a moment."""


class PasswordHashing:
    """Owns its threads; `close` ends them."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, time_cost: int = TIME_COST) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=LANES, type=Type.ID)
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="passwords")
        self._under_way = 0

    def close(self) -> None:
        """End the threads; what they do now is finished."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """With a salt of its own, in the PHC string format, which names the parameters. Raises PasswordsBusyError."""
        return await self._run(lambda: self._hasher.hash(normalised(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the one that was `stored`; takes as long where none was. Raises PasswordsBusyError."""
        matches = await self._run(lambda: self._matches(self._nobodys if stored is None else stored, password))
        return matches and stored is not None

    @cached_property
    def _nobodys(self) -> str:
        """Made where it is needed first, in a thread: most processes never need it."""
        return self._hasher.hash("the password of nobody")

    def is_outdated(self, stored: str) -> bool:
        """Whether it was hashed with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, normalised(password[: MAX_CHARACTERS + 1]))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= AT_ONCE + MAX_WAITING:
            raise PasswordsBusyError
        self._under_way += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # A thread goes on although nobody waits for it any more.
        future.add_done_callback(self._ended)
        return await asyncio.shield(future)

    def _ended(self, future: asyncio.Future[T]) -> None:
        self._under_way -= 1
        if not future.cancelled():
            future.exception()


def normalised(password: str) -> bytes:
    """The same password typed on another keyboard is the same: NFKC (RFC 8265, OpaqueString, but for spaces)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def check_new_password(password: str, account_id: str) -> None:
    """Raises WeakPasswordError."""
    length = len(unicodedata.normalize("NFKC", password))
    if not MIN_CHARACTERS <= length <= MAX_CHARACTERS or password.casefold() == account_id or len(set(password)) < 4:
        raise WeakPasswordError
