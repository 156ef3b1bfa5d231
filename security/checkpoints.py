"""Signed checkpoints: what the whole log was at one moment, in a few bytes that can be kept anywhere else.

A checkpoint is the root of the Merkle tree (RFC 6962) whose entries are the hashes of all events, signed with Ed25519.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from contracts.codec import plain
from contracts.errors import AnnalsError
from security.encryption import EncryptionContext
from security.event_chain import LogFault
from security.merkle import MerkleTree
from security.secrets import new_id

_HASH = r"^[0-9a-f]{64}$"


class CheckpointError(AnnalsError):
    """The file is no checkpoint of Annals; name another one, or remove it."""


class Checkpoint(BaseModel):
    """`size` events up to `position`, in the log of this id. `root` is in hexadecimal, key and signature in base64."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: str
    position: int = Field(ge=1)
    size: int = Field(ge=1)
    root: str = Field(pattern=_HASH)
    at: AwareDatetime
    key_id: str
    public_key: str
    signature: str

    @property
    def signed(self) -> bytes:
        """What the signature is over: a line for each, so that a program in any language can make it."""
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        lines = ("annals checkpoint 1", self.log, self.position, self.size, self.root, at, self.key_id)
        return "".join(f"{line}\n" for line in lines).encode()

    def is_signed_by(self, public_key: bytes) -> bool:
        """Whether the signature is this key's (32 bytes)."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(base64.b64decode(self.signature), self.signed)
        except (InvalidSignature, ValueError):
            return False
        return True

    @property
    def is_whole(self) -> bool:
        """Whether the signature is the key's that it comes with: whose key that is, is another question."""
        try:
            return self.is_signed_by(base64.b64decode(self.public_key))
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class CheckpointKey:
    """A public key (32 bytes), and the private one, sealed (`EncryptedData.pack`)."""

    id: str
    public_key: bytes
    sealed_private_key: bytes = field(repr=False)


class SignedCheck:
    """Takes the hashes of the log in order and compares what they add up to with each checkpoint on the way.

    `agreed`: with how many. `fault` is the first that does not.
    """

    def __init__(self, checkpoints: Iterable[Checkpoint]) -> None:
        self._waiting = sorted(checkpoints, key=lambda one: one.position, reverse=True)
        self._tree = MerkleTree()
        self.agreed = 0
        self.fault: LogFault | None = None

    def take(self, position: int, entry: bytes) -> None:
        """The next one."""
        while self.fault is None and self._waiting and self._waiting[-1].position < position:
            self.fault = LogFault(self._waiting.pop().position, "was removed, which a checkpoint was signed at")
        self._tree.add(entry)
        while self.fault is None and self._waiting and self._waiting[-1].position == position:
            self._compare(self._waiting.pop())

    def end(self, position: int) -> LogFault | None:
        """What is wrong with a log that ends at this position."""
        if self.fault is None and self._waiting:
            last = self._waiting[-1]
            self.fault = LogFault(position + 1, f"is missing: there were events up to {last.position} at {_time(last)}")
        return self.fault

    def _compare(self, one: Checkpoint) -> None:
        if not one.is_whole:
            self.fault = LogFault(one.position, "has a checkpoint whose signature is not good")
        elif (one.size, one.root) != (self._tree.size, self._tree.root.hex()):
            what = f"is the last of {one.size} events that were signed at {_time(one)}, and not all are these"
            self.fault = LogFault(one.position, what)
        else:
            self.agreed += 1


def _time(one: Checkpoint) -> str:
    return f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def new_checkpoint_key() -> tuple[str, Ed25519PrivateKey]:
    """An id and a private key."""
    return new_id(), Ed25519PrivateKey.generate()


def sign(
    key_id: str, key: Ed25519PrivateKey, *, log: str, position: int, size: int, root: bytes, at: datetime
) -> Checkpoint:
    """A checkpoint with its signature."""
    made = Checkpoint(
        log=log,
        position=position,
        size=size,
        root=root.hex(),
        at=at,
        key_id=key_id,
        public_key=base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        signature="",
    )
    return made.model_copy(update={"signature": base64.b64encode(key.sign(made.signed)).decode()})


def read(raw: bytes) -> Checkpoint:
    """From a file. Raises CheckpointError."""
    try:
        return Checkpoint.model_validate_json(raw)
    except ValidationError as error:
        raise CheckpointError(f"is no checkpoint: {plain(error)}") from None


def written(checkpoint: Checkpoint) -> bytes:
    """As a file."""
    return json.dumps(checkpoint.model_dump(mode="json"), indent=2).encode() + b"\n"


def sealing_context(key_id: str) -> EncryptionContext:
    """What a private key is sealed for. The keys belong to the whole installation."""
    return EncryptionContext("default", "system/checkpoint-keys", "sign checkpoints", key_id)
