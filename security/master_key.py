"""The master key wraps data keys (envelope encryption); it never encrypts anything else.

Behind `MasterKey` it may be a file, a variable, or a key of a key management system that never leaves that.
"""

import base64
import binascii
import contextlib
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from security.encryption import IV_BYTES, KEY_BYTES, new_key
from security.errors import MasterKeyError

MAX_FILE_BYTES = 64 * 1024
SETTLED_NS = 2 * 10**9
"""A file that is not older may be written once more within the same tick of its times: it is read each time."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is stored. `master` names the master key that wrapped it."""

    master: str
    data: bytes = field(repr=False)


class MasterKey(Protocol):
    """Every method raises MasterKeyError where the master key is missing or refuses, StoreUnavailableError where it
    is away."""

    @property
    def source(self) -> str:
        """Where it is, for people; no secret."""
        ...

    async def begin(self) -> None:
        """Called before the very first data key is wrapped, never once there is one: make the key, if it is ours."""
        ...

    async def wrap(self, key: bytes, associated: bytes) -> WrappedKey:
        """Wrap with the present master key; `associated` is authenticated with it."""
        ...

    async def unwrap(self, wrapped: WrappedKey, associated: bytes) -> bytes:
        """What was wrapped, by the present or an older master key."""
        ...

    async def wrap_many(self, keys: Sequence[tuple[bytes, bytes]]) -> list[WrappedKey]:
        """As `wrap`, of pairs of key and associated data."""
        ...

    async def unwrap_many(self, wrapped: Sequence[tuple[WrappedKey, bytes]]) -> list[bytes]:
        """As `unwrap`, of pairs of wrapped key and associated data."""
        ...

    async def is_present(self, wrapped: WrappedKey) -> bool:
        """Whether the present master key wrapped it."""
        ...

    async def rotate(self) -> None:
        """Have a new present master key, where that is ours to make; the older ones go on unwrapping."""
        ...

    async def forget_older(self) -> None:
        """Drop older master keys, since nothing is wrapped by them any more, where that is ours to do."""
        ...


@dataclass(frozen=True, slots=True)
class LocalKey:
    """One master key whose bytes are here. Its id is made of a hash, and says nothing of it."""

    secret: bytes = field(repr=False)
    id: str = field(init=False)
    """`local:` and eight bytes of a hash."""
    _cipher: AESGCM = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        digest = hashlib.blake2b(self.secret, digest_size=8, person=b"annals-master")
        object.__setattr__(self, "id", f"local:{digest.hexdigest()}")
        object.__setattr__(self, "_cipher", AESGCM(self.secret))

    @property
    def text(self) -> str:
        """As it is written in a file or a variable."""
        return base64.b64encode(self.secret).decode()

    def wrap(self, key: bytes, associated: bytes) -> WrappedKey:
        """AES-256-GCM with a random iv; a master key wraps far fewer than 2^32 keys."""
        iv = os.urandom(IV_BYTES)
        return WrappedKey(self.id, iv + self._cipher.encrypt(iv, key, associated))

    def unwrap(self, wrapped: WrappedKey, associated: bytes) -> bytes:
        """Raises MasterKeyError."""
        try:
            return self._cipher.decrypt(wrapped.data[:IV_BYTES], wrapped.data[IV_BYTES:], associated)
        except (InvalidTag, ValueError):
            raise MasterKeyError(
                "a data key was changed, or is another one's; restore the table of data keys from a backup"
            ) from None


def read_keys(text: str, where: str) -> list[LocalKey]:
    """Master keys, the present one first, apart by commas or lines. Raises MasterKeyError; its words hold no key."""
    keys = []
    for word in text.replace(",", " ").split():
        try:
            secret = base64.b64decode(word, validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) != KEY_BYTES:
            raise MasterKeyError(
                f"{where} holds no master key of {KEY_BYTES} bytes in base64; write: openssl rand -base64 32"
            )
        keys.append(LocalKey(secret))
    if not keys:
        raise MasterKeyError(f"{where} is empty; write a master key: openssl rand -base64 32")
    return keys


class _LocalMasterKey:
    """What file and variable share."""

    source: str

    def _keys(self) -> Sequence[LocalKey]:
        """The present one first. Raises MasterKeyError."""
        raise NotImplementedError

    async def wrap(self, key: bytes, associated: bytes) -> WrappedKey:
        """See MasterKey."""
        return self._keys()[0].wrap(key, associated)

    async def unwrap(self, wrapped: WrappedKey, associated: bytes) -> bytes:
        """See MasterKey."""
        (key,) = await self.unwrap_many([(wrapped, associated)])
        return key

    async def wrap_many(self, keys: Sequence[tuple[bytes, bytes]]) -> list[WrappedKey]:
        """See MasterKey."""
        present = self._keys()[0]
        return [present.wrap(key, associated) for key, associated in keys]

    async def unwrap_many(self, wrapped: Sequence[tuple[WrappedKey, bytes]]) -> list[bytes]:
        """See MasterKey."""
        known = {key.id: key for key in self._keys()} if wrapped else {}
        missing = next((one.master for one, _ in wrapped if one.master not in known), None)
        if missing is not None:
            raise MasterKeyError(f"the master key {missing} is not in {self.source}; restore it from its backup")
        return [known[one.master].unwrap(one, associated) for one, associated in wrapped]

    async def is_present(self, wrapped: WrappedKey) -> bool:
        """See MasterKey."""
        return self._keys()[0].id == wrapped.master


_Seen = tuple[int, int, int, int, int, int]


def _seen(found: os.stat_result) -> _Seen:
    """What is another one of another file, and of one that was written or made readable for others since."""
    return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class VariableMasterKey(_LocalMasterKey):
    """Given with the settings: the present key first, then older ones. Whoever gives it rotates it."""

    source = "the setting master_key"

    def __init__(self, text: str) -> None:
        """Raises MasterKeyError."""
        self._given = read_keys(text, self.source)

    def _keys(self) -> Sequence[LocalKey]:
        return self._given

    async def begin(self) -> None:
        """It is there."""

    async def rotate(self) -> None:
        """It was rotated if a new key was put in front of the old one."""

    async def forget_older(self) -> None:
        """Whoever gives it may leave the older ones out now."""


class FileMasterKey(_LocalMasterKey):
    """A file for its owner alone, a key a line, the present one first. It is looked at each time, for a rotation, and
    read anew where it may be another one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.source = str(path)
        self._read: tuple[_Seen, Sequence[LocalKey]] | None = None

    def _keys(self) -> Sequence[LocalKey]:
        if self._read is not None:
            seen, keys = self._read
            with contextlib.suppress(OSError):
                if _seen(os.lstat(self._path)) == seen:
                    return keys
        self._read = None
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise MasterKeyError(f"the master key {self._path} is missing; restore it from its backup") from None
        except OSError as error:
            raise MasterKeyError(
                f"the master key {self._path} cannot be read: {error.strerror}; make it readable"
            ) from None
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077:
                raise MasterKeyError(f"the master key {self._path} is not for its owner alone; give it mode 600")
            keys = read_keys(file.read(MAX_FILE_BYTES).decode("ascii", "replace"), str(self._path))
        if abs(time.time_ns() - found.st_ctime_ns) > SETTLED_NS:
            self._read = _seen(found), keys
        return keys

    async def begin(self) -> None:
        """Make the file, unless it is there."""
        with contextlib.suppress(FileExistsError):
            self._write([LocalKey(new_key())], over=False)

    async def rotate(self) -> None:
        """Put a new key in front."""
        self._write([LocalKey(new_key()), *self._keys()], over=True)

    async def forget_older(self) -> None:
        """Leave the present one."""
        self._write(self._keys()[:1], over=True)

    def _write(self, keys: Sequence[LocalKey], *, over: bool) -> None:
        """Under its name only once it is whole and on disk. Raises FileExistsError, MasterKeyError."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
            try:
                with open(descriptor, "w", encoding="ascii") as file:
                    file.writelines(f"{key.text}\n" for key in keys)
                    file.flush()
                    os.fsync(descriptor)
                if over:
                    os.replace(name, self._path)
                else:
                    os.link(name, self._path)
                folder = os.open(self._path.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
        except FileExistsError:
            raise
        except OSError as error:
            raise MasterKeyError(
                f"the master key {self._path} cannot be written: {error.strerror}; make room for it"
            ) from None
