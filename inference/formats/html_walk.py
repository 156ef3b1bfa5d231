"""A walk over the tree of a page, which adds what it says to a text."""

import re
from collections.abc import Iterator
from typing import Any

from inference.formats.building import TextBuilder, one_line


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


_NOT_TEXT = _words(
    "script style noscript template iframe svg canvas object embed audio video map dialog head title meta link"
)
_CONTROLS = _words("button select input textarea option datalist menu")
_AROUND = _words("nav aside footer")
_ROLES = _words("navigation banner contentinfo complementary search dialog alertdialog menu menubar toolbar tablist")
_BLOCKS = _words(
    "p div section article main header address figure figcaption blockquote dl dt dd fieldset details summary center "
    "form body html hgroup td th tr tbody thead tfoot caption table nav aside footer"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_NAMED = re.compile(
    r"(?:^|[\s_-])(?:cookies?|consent|gdpr|breadcrumbs?|sidebar|navbar|navigation|nav|menu|footer|masthead|share|"
    r"sharing|social|"
    r"advert(?:isement)?s?|ads?|promo|newsletter|related|recommended|comments?|pagination|pager|skip|popup|modal|"
    r"toolbar|subscribe|paywall|sponsored)(?:$|[\s_-])",
    re.I,
)
_HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)
LINK_SHARE = 0.8
"""Of a list's characters in links, from which on it is a menu, where the page does not say what its main part is."""
MENU_LINKS = 3
MAIN_SHARE = 0.25
"""Of a page's characters that its main part has at least; else it is not taken for the main part."""


def add_body(builder: TextBuilder, tree: Any, whole: bool = False) -> tuple[str, ...]:
    """Add what a page says; what there is to warn of. `whole`: nothing stands around it (a chapter, a message)."""
    body = tree.find(".//body")
    body = tree if body is None else body
    main = None if whole else _main(body)
    _Walk(builder, around=not whole, menus=not whole and main is None).add(body if main is None else main)
    if builder.text or whole:
        return ()
    _Walk(builder, around=False, menus=False).add(body)
    return ("nothing but navigation was found, so all of the page was taken",) if builder.text else ()


def _main(body: Any) -> Any | None:
    """The part that the page calls its main one."""
    found = [one for one in body.iter("main") if not _is_hidden(one)]
    found = found or [one for one in body.iter() if one.get("role") == "main"]
    found = found or [one for one in body.iter("article") if not any(a.tag == "article" for a in one.iterancestors())]
    if len(found) != 1 or len(found[0].text_content()) < MAIN_SHARE * len(body.text_content()):
        return None
    return found[0]


class _Walk:
    """`around`: leave out what stands around the text. `menus`: and lists of links, too."""

    def __init__(self, builder: TextBuilder, *, around: bool, menus: bool) -> None:
        self._builder = builder
        self._around = around
        self._menus = menus
        self._words: list[str] = []

    def add(self, element: Any) -> None:
        """All below an element."""
        self._inside(element)
        self._flush()

    def _inside(self, element: Any) -> None:
        self._words.append(element.text or "")
        for child in element:
            self._element(child)
            self._words.append(child.tail or "")

    def _element(self, element: Any) -> None:
        tag = element.tag
        if not isinstance(tag, str) or self._is_left_out(element, tag):
            return
        if tag in _HEADINGS:
            self._flush()
            self._builder.heading(_HEADINGS[tag], _text(element))
        elif tag in ("ul", "ol"):
            self._flush()
            self._list(element, 0)
            if not _goes_on(element):
                self._builder.end_list()
        elif tag == "pre":
            self._flush()
            self._builder.verbatim(element.text_content())
        elif tag == "table" and _is_of_data(element):
            self._flush()
            for caption in element.iterfind("caption"):
                self._builder.paragraph(_text(caption))
            self._builder.table(_rows(element))
        elif tag == "br":
            self._words.append("\n")
        elif tag in _BLOCKS or tag == "hr":
            self._flush()
            self._inside(element)
            self._flush()
        elif tag == "img":
            self._words.append(f" {element.get('alt') or ''} ")
        else:
            self._inside(element)

    def _list(self, element: Any, depth: int) -> None:
        if self._menus and depth == 0 and _is_menu(element):
            return
        number = 0
        for child in element:
            if child.tag in ("ul", "ol"):
                self._list(child, depth + 1)
            if child.tag != "li" or self._is_left_out(child, "li"):
                continue
            number += 1
            inner = [one for one in child.iter("ul", "ol") if _nearest_list(one, child)]
            self._builder.item(_text(child, without=inner), depth, number if element.tag == "ol" else None)
            for one in inner:
                self._list(one, depth + 1)

    def _is_left_out(self, element: Any, tag: str) -> bool:
        if tag in _NOT_TEXT or _is_hidden(element):
            return True
        if not self._around:
            return False
        if tag in _CONTROLS or tag in _AROUND or element.get("role", "").lower() in _ROLES:
            return True
        if tag == "header":
            return element.find(".//h1") is None and not any(
                above.tag in ("main", "article") for above in element.iterancestors()
            )
        if tag in ("div", "section", "ul", "ol", "p", "span", "form"):
            return _NAMED.search(f"{element.get('class', '')} {element.get('id', '')}") is not None
        return False

    def _flush(self) -> None:
        words, self._words = "".join(self._words), []
        if words.strip():
            self._builder.paragraph(words)


def _text(element: Any, without: list[Any] | None = None) -> str:
    return one_line("".join(_pieces(element, without or [])))


def _pieces(element: Any, without: list[Any]) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and child.tag not in _NOT_TEXT and child not in without and not _is_hidden(child):
            if child.tag == "br" or child.tag in _BLOCKS:
                yield " "
            yield from _pieces(child, without)
            if child.tag in _BLOCKS:
                yield " "
        yield child.tail or ""


def _is_hidden(element: Any) -> bool:
    return (
        "hidden" in element.attrib
        or element.get("aria-hidden", "").lower() == "true"
        or _HIDDEN.search(element.get("style", "")) is not None
    )


def _is_menu(element: Any) -> bool:
    links = [len(one.text_content().strip()) for one in element.iter("a")]
    return len(links) >= MENU_LINKS and sum(links) > LINK_SHARE * len(one_line(element.text_content()))


def _goes_on(element: Any) -> bool:
    """Whether a list goes on in the next one, which begins a level deeper (as LibreOffice has a list within a list)."""
    following = element.getnext()
    if following is None or following.tag not in ("ul", "ol") or (element.tail or "").strip():
        return False
    return len(following) > 0 and following[0].tag in ("ul", "ol")


def _nearest_list(inner: Any, item: Any) -> bool:
    for above in inner.iterancestors():
        if above is item:
            return True
        if above.tag in ("ul", "ol", "li"):
            return False
    return False


def _is_of_data(table: Any) -> bool:
    """Whether a table holds data rather than a layout."""
    if table.get("role") == "presentation" or next(table.iter("table"), table) is not table:
        return False
    if any(True for one in table.iterdescendants("table")):
        return False
    return any(True for _ in table.iter("th")) or any(len(row) > 1 for row in _rows(table))


def _rows(table: Any) -> Iterator[list[str]]:
    for row in table.iter("tr"):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        yield [text for cell in cells for text in (_text(cell), *[""] * (_span(cell) - 1))]


def _span(cell: Any) -> int:
    stated = cell.get("colspan", "1")
    return min(int(stated), 100) if stated.isascii() and stated.isdigit() and int(stated[:4]) > 0 else 1
