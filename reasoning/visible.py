"""The part of a tenant's documents that an answer may rest on."""

from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Visible:
    """Documents of these collections, "" for those of none."""

    collections: frozenset[str]

    @property
    def key(self) -> str:
        """Whoever may see the same shares it."""
        return sha256("\x00".join(sorted(self.collections)).encode()).hexdigest()
