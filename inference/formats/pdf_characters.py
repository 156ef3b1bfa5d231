"""The characters of a PDF's page, gathered to pieces of lines, each along its own direction of writing."""

import ctypes
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

MAX_CHARACTERS = 1_000_000
"""Of a page."""
GAP = 1.0
"""White space between two characters, in heights of a character, from which on they are of two pieces."""
WIDE = 0.6
"""A space in heights of a character, from which on it may be one between cells of a table."""
WIDER = 1.6
"""The same, in widths of the space between most words of the piece."""
IMAGE_SHARE = 0.3
"""Of a page's area that its largest picture covers where it is scanned."""
_INVISIBLE = 3
_HYPHENS = frozenset("\u0002\ufffe\u00ad")


@dataclass(frozen=True, slots=True)
class Space:
    """A wide one within a piece, before the character `at`, from `left` to `right`."""

    at: int
    left: float
    right: float


@dataclass(slots=True)
class Piece:
    """Characters beside one another. Coordinates are along (`left`, `right`) and across (`base`, up) their direction.

    `angle`: of the direction, in whole degrees; `size`: height of a line of these characters, in points;
    `spaces`: those that are much wider than the others.
    """

    text: str
    left: float
    right: float
    base: float
    size: float
    angle: int
    spaces: tuple[Space, ...] = ()

    def cut(self, space: Space) -> tuple["Piece", "Piece"]:
        """What is before one of its spaces, and what is behind it."""
        before = tuple(one for one in self.spaces if one.at < space.at)
        behind = tuple(replace(one, at=one.at - space.at) for one in self.spaces if one.at > space.at)
        return (
            replace(self, text=self.text[: space.at].rstrip(), right=space.left, spaces=before),
            replace(self, text=self.text[space.at :], left=space.right, spaces=behind),
        )


@dataclass(slots=True)
class _Character:
    text: str
    left: float
    right: float
    base: float
    size: float
    angle: int
    visible: bool


def lines_of(page: Any) -> list[Piece]:
    """Pieces of lines in the order of the file. Text that is invisible is left out, unless there is no other (OCR)."""
    textpage = page.get_textpage()
    try:
        characters = list(_characters(textpage, page.get_size()))
    finally:
        textpage.close()
    visible = [one for one in characters if one.visible]
    seen = visible if any(one.text.strip() for one in visible) else characters
    return list(_pieces(seen))


def scanned(page: Any) -> bool:
    """Whether a picture covers much of the page."""
    from pypdfium2 import raw as pdfium

    width, height = page.get_size()
    for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=4):
        left, bottom, right, top = item.get_bounds()
        if (right - left) * (top - bottom) > IMAGE_SHARE * width * height:
            return True
    return False


def _characters(textpage: Any, size: tuple[float, float]) -> Iterator[_Character]:
    from pypdfium2 import raw as pdfium

    box = pdfium.FS_RECTF()
    handle = textpage.raw
    modes: dict[int, int] = {}
    low = ""
    for index in range(min(pdfium.FPDFText_CountChars(handle), MAX_CHARACTERS)):
        text, low, taken = _character(pdfium.FPDFText_GetUnicode(handle, index)), "", low
        if taken:
            continue  # was taken with the one before
        if "\ud800" <= text <= "\udbff":
            low = _character(pdfium.FPDFText_GetUnicode(handle, index + 1))
            low = low if "\udc00" <= low <= "\udfff" else ""
            text = (text + low).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        if text in "\r\n":
            yield _Character("\n", 0, 0, 0, 0, 0, True)
            continue
        if text in _HYPHENS:
            text = "\u00ad"
        if not pdfium.FPDFText_GetLooseCharBox(handle, index, ctypes.byref(box)):
            continue
        item = pdfium.FPDFText_GetTextObject(handle, index)
        key = ctypes.cast(item, ctypes.c_void_p).value or 0
        if key not in modes:
            modes[key] = pdfium.FPDFTextObj_GetTextRenderMode(item) if item else 0
        angle = round(math.degrees(pdfium.FPDFText_GetCharAngle(handle, index))) % 360
        yield _turned(text, box, angle, modes[key] != _INVISIBLE)


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 else "\ufffd"


def _turned(text: str, box: Any, angle: int, visible: bool) -> _Character:
    """In coordinates along the direction of writing."""
    turn = math.radians(angle)  # pdfium counts clockwise
    cos, sin = math.cos(turn), math.sin(turn)
    corners = [(x * cos - y * sin, x * sin + y * cos) for x in (box.left, box.right) for y in (box.bottom, box.top)]
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    base, top = min(y for _, y in corners), max(y for _, y in corners)
    return _Character(text, left, right, base, top - base, angle, visible)


def _pieces(characters: list[_Character]) -> Iterator[Piece]:
    gathered: list[_Character] = []
    for one in characters:
        last = gathered[-1] if gathered else None
        if one.text == "\n" or (last is not None and _is_apart(last, one)):
            yield from _piece(gathered)
            gathered = []
        if one.text != "\n" and (gathered or not one.text.isspace()):
            gathered.append(one)
    yield from _piece(gathered)


def _is_apart(last: _Character, one: _Character) -> bool:
    if one.text.isspace() or last.angle != one.angle:
        return last.angle != one.angle and not one.text.isspace()
    size = max(last.size, one.size, 1.0)
    return (
        one.left - last.right > GAP * size
        or one.right < last.left - 0.2 * size
        or abs(one.base - last.base) > 0.7 * size
    )


def _piece(gathered: list[_Character]) -> Iterator[Piece]:
    while gathered and gathered[-1].text.isspace():
        gathered.pop()
    if not gathered:
        return
    sizes = Counter(round(one.size, 1) for one in gathered if not one.text.isspace())
    size = sizes.most_common(1)[0][0]
    drawn = [one for one in gathered if not one.text.isspace()]
    yield Piece(
        text="".join(one.text for one in gathered),
        left=min(one.left for one in drawn),
        right=max(one.right for one in drawn),
        base=min(one.base for one in drawn),
        size=max(size, 0.1),
        angle=gathered[0].angle,
        spaces=tuple(_wide(gathered, size)),
    )


def _wide(gathered: list[_Character], size: float) -> Iterator[Space]:
    """Single spaces that are no spaces between words, as those are in these characters."""
    spaces: list[Space] = []
    at = 0
    for before, one, behind in zip(gathered, gathered[1:], gathered[2:], strict=False):
        at += len(before.text)
        if one.text.isspace() and not before.text.isspace() and not behind.text.isspace():
            spaces.append(Space(at + len(one.text), before.right, behind.left))
    wide = [space for space in spaces if space.right - space.left >= WIDE * size]
    if not wide or _is_fixed(gathered):
        return
    usual = median(space.right - space.left for space in spaces) if len(spaces) > 1 else 0.0
    for space in wide:
        if space.right - space.left >= WIDER * usual:
            yield space


def _is_fixed(gathered: list[_Character]) -> bool:
    """Whether all letters are of one width, so that spaces are wide, and stand below one another by chance."""
    widths = {one.text: one.right - one.left for one in gathered if not one.text.isspace() and not one.text.isdigit()}
    return len(widths) >= 3 and max(widths.values()) - min(widths.values()) < 0.02 * max(widths.values())
