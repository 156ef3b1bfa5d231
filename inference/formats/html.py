"""HTML: what a page says, without what stands around it (navigation, banners, footers, hidden parts)."""

import re
from collections.abc import Iterator
from typing import Any

from inference.formats.building import TextBuilder, one_line
from inference.formats.context import ReadContext
from inference.formats.dates import iso
from inference.formats.document import Read, ReadDocument
from inference.formats.encodings import Decoded, known
from inference.formats.errors import UnreadableFileError
from inference.formats.html_walk import add_body
from inference.formats.plain_text import guessed

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.I)
_TITLES = ("og:title", "citation_title", "dc.title", "dcterms.title")
_AUTHORS = ("author", "citation_author", "dc.creator", "dcterms.creator", "article:author")
_CREATED = (
    "article:published_time", "citation_publication_date", "dcterms.created", "dc.date", "dcterms.date", "date",
    "created",
)  # fmt: skip
_MODIFIED = ("article:modified_time", "dcterms.modified", "last-modified", "og:updated_time", "changed")


def charset(raw: bytes) -> str | None:
    """The encoding that a page declares, if Python knows it."""
    found = _CHARSET.search(raw[:4096])
    name = found[1].decode("ascii") if found else None
    return name if name is not None and known(name) else None


def read(decoded: Decoded, context: ReadContext) -> Iterator[Read]:
    """One document."""
    tree = parse(decoded.text)
    builder = TextBuilder()
    warnings = add_body(builder, tree)
    meta = list(_meta(tree))
    yield ReadDocument(
        kind="html",
        text=builder.text,
        title=title_of(tree, meta),
        authors=tuple(dict.fromkeys(value for name, value in meta if name in _AUTHORS and "://" not in value)),
        created=_date(meta, _CREATED),
        modified=_date(meta, _MODIFIED),
        language=language_of(tree),
        encoding=decoded.encoding,
        headings=builder.headings,
        warnings=(*guessed(decoded), *warnings),
    )


def parse(text: str) -> Any:
    """The tree of a page. Raises UnreadableFileError."""
    from lxml import etree
    from lxml import html as lxml_html

    parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        return lxml_html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise UnreadableFileError(f"is HTML that cannot be parsed ({one_line(str(error))[:80]}); mend it") from None


def title_of(tree: Any, meta: list[tuple[str, str]]) -> str | None:
    """What the page's metadata says, else its first heading of level 1."""
    titles = {name: value for name, value in reversed(meta)}
    stated = [titles.get(name, "") for name in _TITLES]
    stated += [one_line(found.text_content()) for found in tree.iter("title") if _in_head(found)]
    stated += [one_line(found.text_content()) for found in tree.iter("h1")]
    return next(filter(None, stated), None)


def language_of(tree: Any) -> str | None:
    """A BCP 47 tag, of the page or of its body."""
    names = ("lang", "{http://www.w3.org/XML/1998/namespace}lang", "xml:lang")
    found = (one.get(name) for one in (tree, tree.find("body")) if one is not None for name in names)
    stated: str = next(filter(None, found), "")
    return stated.strip() if re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*", stated.strip()) else None


def _in_head(title: Any) -> bool:
    """Pictures in SVG have titles, too."""
    return all(above.tag != "svg" for above in title.iterancestors())


def _meta(tree: Any) -> Iterator[tuple[str, str]]:
    for found in tree.iter("meta"):
        name = found.get("name") or found.get("property") or found.get("http-equiv")
        value = one_line(found.get("content") or "")
        if name and value:
            yield name.strip().lower(), value


def _date(meta: list[tuple[str, str]], names: tuple[str, ...]) -> str | None:
    found = {name: value for name, value in reversed(meta)}
    return next(filter(None, (iso(found.get(name, "").replace("/", "-")) for name in names)), None)
