"""What every model looks like from outside: texts in, bytes out, and a revision that names its content."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from contracts.errors import AnnalsError


class InferenceError(AnnalsError):
    """A model cannot be loaded or run; the message says what to do."""


class OtherModelError(InferenceError):
    """Stored vectors are of another embedder than the settings name; set ANNALS_EMBEDDER as it was."""


class Model(Protocol):
    """Says the same of the same text, always, while its revision stays."""

    @property
    def revision(self) -> str:
        """Names the model's content: two models of one revision give the same output."""
        ...

    def run(self, texts: Sequence[str]) -> list[bytes]:
        """One output for each text, in order. Blocks."""
        ...


class OutputStore(Protocol):
    """Keeps outputs by (model revision, digest of the text)."""

    async def get_many(self, model: str, digests: Sequence[str]) -> dict[str, bytes]:
        """What is kept of these digests."""
        ...

    async def put_many(self, model: str, outputs: Mapping[str, bytes]) -> None:
        """Keep these."""
        ...


class NothingKept:
    """The outputs of texts that callers send: they are theirs, and may be of anybody."""

    async def get_many(self, model: str, digests: Sequence[str]) -> dict[str, bytes]:
        """None."""
        return {}

    async def put_many(self, model: str, outputs: Mapping[str, bytes]) -> None:
        """Forget them."""


def digest_of(text: str) -> str:
    """sha256 of the text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
