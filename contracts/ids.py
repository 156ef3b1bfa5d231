"""Identifiers that can be worked out again: the same cause always gets the same id (RFC 9562, UUID version 5)."""

import re
import unicodedata
from uuid import UUID, uuid5

from contracts.event_types import AggregateKind

_ANNALS = UUID("6f1d5a52-3d0c-5a0e-9a55-0a9a6d1f6a11")
_ARTICLES = re.compile(r"^(?:the|a|an)\s+")
_POSSESSIVE = re.compile(r"['\u2019]s\b")
_WORD = re.compile(r"\w[\w+#]*")


def stream_id(tenant: str, kind: AggregateKind, aggregate_id: str) -> UUID:
    """Name of an aggregate's stream in the event store: two tenants never share one."""
    return uuid5(_ANNALS, f"{tenant}\x00{kind}\x00{aggregate_id}")


def delivery_id(tenant: str, document_id: str, event_id: UUID) -> UUID:
    """Id of the event that a delivery of a document leads to; `event_id` is the one that its producer chose.

    Two tenants, or two documents, never share one, and no producer can choose it: ids of results are derived from it.
    """
    return uuid5(stream_id(tenant, "document", document_id), str(event_id))


def event_id(cause: UUID, stage: str, revision: str) -> UUID:
    """Id of what `stage`, at model `revision`, made of the event `cause`: a second try gets the same id."""
    return uuid5(cause, f"{stage}\x00{revision}")


def part_id(first: UUID, part: int) -> UUID:
    """Id of an event that is part number `part` of a stage's result: part 1 has the id `first`."""
    return first if part == 1 else uuid5(first, f"part\x00{part}")


def chunk_id(tenant: str, document_id: str, digest: str, occurrence: int) -> str:
    """A chunk keeps its id while its text stays: `occurrence` counts equal texts within the document."""
    return str(uuid5(_ANNALS, f"{tenant}\x00chunk\x00{document_id}\x00{digest}\x00{occurrence}"))


def entity_id(tenant: str, name: str) -> str:
    """One entity for each normalised name within a tenant, so documents agree without asking each other."""
    return str(uuid5(_ANNALS, f"{tenant}\x00entity\x00{normalise_name(name)}"))


def relation_id(tenant: str, document_id: str, subject: str, predicate: str, obj: str, start: int) -> str:
    """One relation for each span of a document that states it."""
    return str(uuid5(_ANNALS, f"{tenant}\x00relation\x00{document_id}\x00{subject}\x00{predicate}\x00{obj}\x00{start}"))


def normalise_name(name: str) -> str:
    """Fold a name to what makes it the same name: NFKC, case, punctuation, leading article, spaces.

    A plus or number sign stays where it follows a word: C, C++ and C# are three. Punctuation alone is no name: "".
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    words = " ".join(_WORD.findall(_POSSESSIVE.sub("", folded)))
    return _ARTICLES.sub("", words) if any(map(str.isalnum, words)) else ""
