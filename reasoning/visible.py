"""The part of a tenant's documents that an answer may rest on."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from projections.vector.reads import Passage


@dataclass(frozen=True, slots=True)
class Visible:
    """`key` names these documents: whoever may see the same shares it."""

    documents: frozenset[str]
    key: str

    @classmethod
    def of(cls, document_ids: Sequence[str]) -> "Visible":
        """These documents alone."""
        return cls(frozenset(document_ids), sha256("\x00".join(sorted(document_ids)).encode()).hexdigest())

    def passages(self, passages: Sequence[Passage]) -> list[Passage]:
        """Those of these documents."""
        return [passage for passage in passages if passage.document_id in self.documents]
