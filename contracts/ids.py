"""Identifiers that can be worked out again: the same cause always gets the same id (RFC 9562, UUID version 5)."""

import re
import string
import unicodedata
from functools import lru_cache
from hashlib import sha1
from uuid import UUID, uuid5

from contracts.event_types import AggregateKind
from contracts.scripts import COMBINING, UNSEEN, bounded

_ANNALS = UUID("6f1d5a52-3d0c-5a0e-9a55-0a9a6d1f6a11")
# An article stands by itself: A-ha, A. Milne and A & B begin with none.
_ARTICLE = re.compile(r"\W*(?:the|a|an)\s+(?=[^\w&+/]*\w)")
_POSSESSIVE = re.compile(r"['\u2019]s\b")
_WORD = re.compile(rf"\w[\w+#{COMBINING}]*")
_UNSEEN = re.compile(f"[{UNSEEN}]+")
_FORMER_ARTICLES = re.compile(r"^(?:the|a|an)\s+")
_FORMER_WORD = re.compile(r"\w[\w+#]*")
_REMEMBERED_CHARACTERS = 256
_KEPT_LETTERS = frozenset(string.ascii_letters + string.digits) - frozenset("aAtT")


@lru_cache(maxsize=1 << 14)
def stream_id(tenant: str, kind: AggregateKind, aggregate_id: str) -> UUID:
    """Name of an aggregate's stream by the public rule; `eventstore.log_ids` says of which aggregates it is theirs.

    Two tenants never share one.
    """
    return uuid5(_ANNALS, f"{tenant}\x00{kind}\x00{aggregate_id}")


def event_id(cause: UUID, stage: str, revision: str) -> UUID:
    """Id of what `stage`, at model `revision`, made of the event `cause`: a second try gets the same id."""
    return uuid5(cause, f"{stage}\x00{revision}")


def part_id(first: UUID, part: int) -> UUID:
    """Id of an event that is part number `part` of a stage's result: part 1 has the id `first`."""
    return first if part == 1 else uuid5(first, f"part\x00{part}")


def chunk_id(tenant: str, document_id: str, digest: str, occurrence: int) -> str:
    """A chunk keeps its id while its text stays: `occurrence` counts equal texts within the document."""
    return _id_of(f"{tenant}\x00chunk\x00{document_id}\x00{digest}\x00{occurrence}")


def entity_id(tenant: str, name: str) -> str:
    """One entity for each normalised name within a tenant, so documents agree without asking each other."""
    if len(name) > _REMEMBERED_CHARACTERS:
        return _entity_id(tenant, normalise_name(name))
    return _entity_id_of_name(tenant, name)


@lru_cache(maxsize=1 << 14)
def _entity_id_of_name(tenant: str, name: str) -> str:
    """Each stage asks for it again, of each document that says the name."""
    return _entity_id(tenant, normalise_name(name))


def homonym_id(entity: str, document_id: str) -> str:
    """Another entity of the same name as `entity`, that this document speaks of, and perhaps others with it."""
    told_apart = uuid5(_ANNALS, f"{entity}\x00homonym\x00{document_id}")
    return f"{entity}.{told_apart.hex[:12]}"


def namesake_of(entity: str) -> str:
    """The id that follows from the name alone, of an entity that was told apart from others of it."""
    return entity.partition(".")[0]


def present_entity_id(tenant: str, entity: str, name: str) -> str:
    """Today's id of an entity that an event calls `entity`, by this name.

    Marks were once no part of a word (`मीरा` and `मोर` were one name) and a leading `a` was always an article (`A-ha`
    was `ha`): the id that followed from that becomes the one that follows from the whole name. Any other id stays.
    """
    return entity if keeps_entity_id(name) else _present_entity_id(tenant, entity, name)


def keeps_entity_id(name: str) -> bool:
    """Whether the id that follows from a name was always the same, as of nearly every one; false where it may not be.

    It is asked of every name that is folded: of an ASCII name that begins with no article.
    """
    return name[:1] in _KEPT_LETTERS and name.isascii()


@lru_cache(maxsize=1 << 14)
def _present_entity_id(tenant: str, entity: str, name: str) -> str:
    former, now = _former_name(name), normalise_name(name)
    return _entity_id(tenant, now) if now and former != now and entity == _entity_id(tenant, former) else entity


def _entity_id(tenant: str, normalised: str) -> str:
    return _id_of(f"{tenant}\x00entity\x00{normalised}")


def relation_id(tenant: str, document_id: str, subject: str, predicate: str, obj: str, start: int) -> str:
    """One relation for each span of a document that states it."""
    return _id_of(f"{tenant}\x00relation\x00{document_id}\x00{subject}\x00{predicate}\x00{obj}\x00{start}")


def _id_of(name: str) -> str:
    """`str(uuid5(_ANNALS, name))` in a third of its time (RFC 9562, 5.5): a question asks for hundreds."""
    digest = bytearray(sha1(_ANNALS.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def normalise_name(name: str) -> str:
    """Fold a name to what makes it the same name: NFKC, case, punctuation, leading article, spaces, unseen characters.

    Marks are part of their word. A plus or number sign stays where it follows a word: C, C++ and C# are three.
    Punctuation alone is no name: "".
    """
    if is_plain_name(name):
        return " ".join(name.lower().split())
    folded = _POSSESSIVE.sub("", fold_letters(name))
    article = _ARTICLE.match(folded)
    words = " ".join(_WORD.findall(folded, article.end() if article is not None else 0))
    return words if any(map(str.isalnum, words)) else ""


def is_plain_name(name: str) -> bool:
    """Whether a name is folded by its small letters alone, as most are: ASCII words, no article, no punctuation."""
    return keeps_entity_id(name) and name.replace(" ", "").isalnum()


def fold_letters(text: str) -> str:
    """One spelling of the same letters: NFKC, in small ones, without unseen characters."""
    if text.isascii():
        return text.lower()
    folded = _UNSEEN.sub("", bounded(unicodedata.normalize("NFKC", bounded(text)).casefold()))
    # The dot of a capital I of Turkish is not on its small one, where it would be a second.
    return unicodedata.normalize("NFKC", folded.replace("i\u0307", "i"))


def _former_name(name: str) -> str:
    folded = unicodedata.normalize("NFKC", bounded(name)).casefold()
    words = " ".join(_FORMER_WORD.findall(_POSSESSIVE.sub("", folded)))
    return _FORMER_ARTICLES.sub("", words) if any(map(str.isalnum, words)) else ""
