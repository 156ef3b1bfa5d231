"""XML without entities, documents of elsewhere, or the network."""

import re
from collections.abc import Iterator
from typing import Any

from inference.formats.errors import UnreadableFileError

_ENTITY = re.compile(rb"<!ENTITY", re.I)


def parse_xml(raw: bytes) -> Any:
    """The root. Raises UnreadableFileError."""
    from lxml import etree

    if _ENTITY.search(raw):
        raise UnreadableFileError("declares XML entities, which its format has no use for; save it again")
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
        return etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableFileError(f"holds broken XML ({' '.join(str(error).split())[:80]}); save it again") from None


def elements(root: Any, name: str) -> Iterator[Any]:
    """All elements of this name, in whatever namespace."""
    yield from root.iter(f"{{*}}{name}")
