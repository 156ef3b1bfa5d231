"""What LibreOffice wrote (`make_files.py`) is read back: the same text, titles, tables, pages."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.inference.formats.conftest import ReadOne, Refusal, headings
from tests.inference.formats.samples import zipped

FILES = Path(__file__).parent / "files"
LIGHT = """## Light

- white
- red
  - at night

| Year | Ships |
| --- | --- |
| 1900 | 12 |
| 1910 | 40 |
"""
STORY = f"""# The lighthouse

It stands on a rock; Žofie painted it 💡 in 1900.

{LIGHT}
## Fog

The horn is heard for 5 km.
"""
SLIDES = (
    "# Skerry Point\n\nInes Renn\n\n",
    "# The lighthouse\n\n",
    "It stands on a rock; Žofie painted it 💡 in 1900.\n\n",
    LIGHT.removeprefix("#") + "\n",
    "# Fog\n\nThe horn is heard for 5 km.\n",
)
SHEETS = (
    "# By year\n\n| Year | Ships | Since | Open |\n| --- | --- | --- | --- |\n"
    "| 1900 | 12 | 2020-01-02 | TRUE |\n| 1910 | 40.5 |  | FALSE |\n| Sum | 52.5 |\n\n",
    "# By pier\n\n| Pier | Ships |\n| --- | --- |\n| North | 7 |\n",
)


def pages(text: str, starts: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(text[start:end] for start, end in zip(starts, (*starts[1:], None), strict=True))


@pytest.mark.parametrize(
    ("kind", "made", "language"),
    [
        ("docx", "2026-11-26T20:14:21+00:00", "en"),
        ("odt", "2026-11-26T20:14:21", "en"),
        # To the minute, and what language a text is in is not said of all of it.
        ("rtf", "2026-11-26T20:14:00", None),
    ],
)
def test_texts(read_one: ReadOne, kind: str, made: str, language: str | None) -> None:
    found = read_one((FILES / f"skerry.{kind}").read_bytes(), "x")
    assert (found.kind, found.text) == (kind, "# Skerry Point\n\nInes Renn\n\n" + STORY)
    assert headings(found) == [(1, "Skerry Point"), (1, "The lighthouse"), (2, "Light"), (2, "Fog")]
    assert (found.title, found.authors, found.language) == ("Skerry Point", ("Ines Renn",), language)
    assert (found.created, found.modified, found.pages, found.warnings) == (made, made, (), ())


def test_html(read_one: ReadOne) -> None:
    """Its writer makes a paragraph of the title."""
    found = read_one((FILES / "skerry.html").read_bytes(), "x")
    assert (found.kind, found.text) == ("html", "Skerry Point\n\nInes Renn\n\n" + STORY)
    assert (found.title, found.authors, found.language) == ("Skerry Point", ("Ines Renn",), "en-US")
    assert (found.created, found.modified) == ("2026-11-26T20:14:21", "2026-11-26T20:14:21")


def test_epub(read_one: ReadOne) -> None:
    """Its writer drops the levels of headings, what is a list and the head of a table; its table of contents names
    what a chapter begins with."""
    found = read_one((FILES / "skerry.epub").read_bytes(), "x")
    assert pages(found.text, found.pages) == (
        "Skerry Point\n\nInes Renn\n\n",
        "# The lighthouse\n\nIt stands on a rock; Žofie painted it 💡 in 1900.\n\nLight\n\nwhite\n\nred\n\nat night\n\n"
        "| 1900 | 12 |\n| --- | --- |\n| 1910 | 40 |\n\nFog\n\nThe horn is heard for 5 km.\n",
    )
    assert (found.kind, found.title, found.authors, found.language) == ("epub", "Skerry Point", ("Ines Renn",), "en")
    assert (found.created, found.modified) == (None, "2026-11-26T20:14:21+00:00")


@pytest.mark.parametrize(
    ("label", "chapter", "first"),
    [
        ("The lighthouse", "", "# The lighthouse\n"),
        ("Another", "", "The lighthouse\n"),
        # A chapter with headings is as it is.
        ("The lighthouse", "<h2>Light</h2>", "## Light\n"),
        (None, "", "The lighthouse\n"),
    ],
)
def test_contents_of_an_epub(read_one: ReadOne, label: str | None, chapter: str, first: str) -> None:
    """They name what a chapter begins with, where that is so; without them a book is read all the same."""
    with zipfile.ZipFile(io.BytesIO((FILES / "skerry.epub").read_bytes())) as book:
        files = {name: book.read(name) for name in book.namelist()}
    contents = files["OEBPS/toc.xhtml"].replace(b"The lighthouse", (label or "").encode())
    files["OEBPS/toc.xhtml"] = b"" if label is None else contents
    section = "OEBPS/sections/section0002.xhtml"
    files[section] = files[section].replace(b'<p class="para1">', chapter.encode() + b'<p class="para1">')
    found = read_one(zipped(files), "x")
    assert found.text[found.pages[1] :].startswith(first)
    assert len(found.headings) == first.startswith("#")


@pytest.mark.parametrize(("kind", "language"), [("pptx", "en-US"), ("odp", None)])
def test_presentations(read_one: ReadOne, kind: str, language: str | None) -> None:
    """A page a slide; the third has no title. PPTX lost there how deep an item lies."""
    found = read_one((FILES / f"slides.{kind}").read_bytes(), "x")
    slides = SLIDES if kind == "odp" else tuple(one.replace("  - ", "- ") for one in SLIDES)
    assert (found.kind, pages(found.text, found.pages)) == (kind, slides)
    assert headings(found) == [(1, "Skerry Point"), (1, "The lighthouse"), (1, "Light"), (1, "Fog")]
    assert (found.title, found.authors, found.language) == ("Skerry Point", ("Ines Renn",), language)
    assert found.created == found.modified == "2026-11-26T20:14:21"


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_spreadsheets(read_one: ReadOne, kind: str) -> None:
    found = read_one((FILES / f"sheet.{kind}").read_bytes(), "x")
    assert (found.kind, pages(found.text, found.pages)) == (kind, SHEETS)
    assert (found.title, found.created) == ("Ships of Tarrow", "2026-11-26T20:14:21")


def test_csv(read_one: ReadOne) -> None:
    """Its first sheet, as it is shown."""
    found = read_one((FILES / "sheet.csv").read_bytes(), "sheet.csv")
    assert found.text == (
        "| Year | Ships | Since | Open |\n| --- | --- | --- | --- |\n| 1900 | 12 | 2020-01-02 00:00:00 | TRUE |\n"
        "| 1910 | 40.5 |  | FALSE |\n| Sum | 52.5 |  |  |\n"
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("skerry.doc", "is a Word document of before 2007; save it as .docx"),
        ("sheet.xls", "is an Excel workbook of before 2007; save it as .xlsx"),
    ],
)
def test_what_is_of_before_2007_is_refused(refusal: Refusal, name: str, reason: str) -> None:
    assert refusal((FILES / name).read_bytes(), name) == reason


def test_rtf_as_word_writes_it(read_one: ReadOne) -> None:
    """Built as Word does, by the specification of RTF 1.9.1: numbers and bullets of paragraphs before their
    properties, of which an item like the one before says none; style names of its language beside outline levels."""
    bullet = r"{\listtext\pard\plain\ltrpar \s15 \rtlch\fcs1 \af0 {\f3\'b7}\tab}"
    source = r"""{\rtf1\ansi\ansicpg1252\uc1\deff0
{\fonttbl{\f0\froman\fcharset0 Times New Roman;}{\f3\fnil\fcharset2 Symbol;}}
{\stylesheet{\ql\widctlpar \snext0 Normal;}
{\s1\ql\keepn\outlinelevel0 \sbasedon0 \snext0 \sqformat \'dcberschrift 1;}{\s2\ql \sbasedon0 heading 2,Kapitel;}
{\s3\ql \sbasedon0 Abstract Title;}{\*\cs10 \additive Heading 1 Char;}{\s4\ql {\*\x y}\sbasedon0 Title;}}
\pard\plain \s4 Tarrow\par \pard\plain \s1\ql\keepn\outlinelevel0 {\listtext\pard\plain 1.2\tab}Piers\line of stone\par
\pard\plain \s2\ql Kinds\par \pard\plain \s3\ql Plain {\\s1 \{\\pard\par
%sPREFIX\pard\plain \s15\fi-360\li720\ls1 north\par %sPREFIXsouth\par
%sPREFIX\pard \ls1\ilvl1 small\par %sPREFIXlow\par \pard\plain Between.\par
{\listtext\pard 7.\tab}seventh\par {\listtext\pard\plain (a)\tab}lettered\par
{\pntext\f3\'B7\tab}{\*\pn\pnlvlblt\pnf3{\pntxtb\'B7}}old\par
\trowd\cellx100\cellx200\pard\intbl\s2 Year\cell Ships\cell\row
\trowd\cellx100\cellx200\pard\intbl {\listtext\pard x\tab}\ilvl1 1900\cell {\listtext\pard 3.\tab}12\cell\row
\pard\par\trowd\cellx100\cellx200\pard\intbl Pier\cell Ships\cell\row
\pard\outlinelevel9 Body.\par}""".replace("%sPREFIX", bullet)
    found = read_one(source.encode("ascii"), "x")
    assert found.text == (
        "# Tarrow\n\n# 1.2 Piers\n\nof stone\n\n## Kinds\n\nPlain \\s1 {\\pard\n\n"
        "- north\n- south\n  - small\n  - low\n\nBetween.\n\n7. seventh\n- (a) lettered\n- old\n\n"
        "| Year | Ships |\n| --- | --- |\n| 1900 | 3. 12 |\n\n| Pier | Ships |\n| --- | --- |\n\nBody.\n"
    )
