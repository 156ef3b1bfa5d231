"""PDF files that LibreOffice and Chromium wrote (see `make_files`) are read back to the same text, tables and lists."""

import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY, TA_LEFT

from tests.inference.formats.conftest import ReadOne, headings

FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize("name", ["skerry.pdf", "slides.pdf"])
def test_characters_beyond_the_basic_plane(read_one: ReadOne, name: str) -> None:
    assert "Žofie painted it 💡 in 1900." in read_one((FILES / name).read_bytes()).text


def test_titles_with_characters_beyond_the_basic_plane(read_one: ReadOne) -> None:
    from reportlab.pdfgen import canvas

    raw = io.BytesIO()
    made = canvas.Canvas(raw)
    made.setTitle("Light 💡")
    made.drawString(100, 700, "Words.")
    made.save()
    assert read_one(raw.getvalue()).title == "Light 💡"


def test_what_libreoffice_writes_as_text(read_one: ReadOne) -> None:
    found = read_one((FILES / "skerry.pdf").read_bytes())
    assert found.text == (
        "Skerry Point\n\nInes Renn\n\nThe lighthouse\n\nIt stands on a rock; Žofie painted it 💡 in 1900.\n\nLight\n\n"
        "- white\n- red\n  - at night\n\n"
        "| Year | Ships |\n| --- | --- |\n| 1900 | 12 |\n| 1910 | 40 |\n\nFog\n\nThe horn is heard for 5 km.\n"
    )
    assert headings(found) == [(1, "Skerry Point"), (1, "The lighthouse"), (2, "Light"), (2, "Fog")]
    assert (found.title, found.authors, found.language) == ("Skerry Point", ("Ines Renn",), "en-US")


def drawn(*lines: tuple[float, float, str], font: str = "Helvetica") -> bytes:
    """A page by reportlab with each text where it is said, in points from the left and from the top."""
    from reportlab.pdfgen import canvas

    raw = io.BytesIO()
    made = canvas.Canvas(raw, pagesize=(595, 842))
    made.setFont(font, 10)
    for left, top, text in lines:
        made.drawString(left, 842 - top, text)
    made.save()
    return raw.getvalue()


@pytest.mark.parametrize("sign", ["•", "\u2013", "-", "*"])
def test_bullets_apart_from_their_text(read_one: ReadOne, sign: str) -> None:
    lines = (
        (50, 100, "The colours of the light are these:"), (60, 112, sign), (80, 112, "white, by day and"),
        (80, 124, "in fog"), (60, 136, sign), (80, 136, "red"), (80, 148, "o"), (100, 148, "at night"),
        (80, 160, "o"), (100, 160, "in storms"), (60, 172, sign), (80, 172, "green"), (50, 200, "So it was."),
    )  # fmt: skip
    items = "- white, by day and in fog\n- red\n  - at night\n  - in storms\n- green\n"
    assert read_one(drawn(*lines)).text == f"The colours of the light are these:\n\n{items}\nSo it was.\n"


@pytest.mark.parametrize("indent", [17, 28])
def test_numbers_apart_from_their_text(read_one: ReadOne, indent: int) -> None:
    steps = ("Light the lamp,", "wind the clock,", "and write down the hour.")
    lines = [
        line
        for at, step in enumerate(steps)
        for line in ((60, 112 + 12 * at, f"{at + 1}."), (60 + indent, 112 + 12 * at, step))
    ]
    raw = drawn((50, 100, "Every evening:"), *lines, (50, 148, "So it was."))
    assert read_one(raw).text == (
        "Every evening:\n\n1. Light the lamp,\n2. wind the clock,\n3. and write down the hour.\n\nSo it was.\n"
    )


def test_numbers_in_a_table_are_no_items(read_one: ReadOne) -> None:
    rows = (("No.", "Pier"), ("1.", "North"), ("2.", "South"))
    raw = drawn(*((50 + 40 * x, 100 + 12 * y, cell) for y, row in enumerate(rows) for x, cell in enumerate(row)))
    assert read_one(raw).text == "| No. | Pier |\n| --- | --- |\n| 1. | North |\n| 2. | South |\n"


def test_a_numbered_heading_keeps_its_number(read_one: ReadOne) -> None:
    from reportlab.pdfgen import canvas

    raw = io.BytesIO()
    made = canvas.Canvas(raw)
    made.setFont("Helvetica", 20)
    made.drawString(50, 700, "1.")
    made.drawString(90, 700, "The lamp")
    made.setFont("Helvetica", 10)
    made.drawString(50, 670, "It is lit every evening by who lives there.")
    made.save()
    found = read_one(raw.getvalue())
    assert found.text == "1. The lamp\n\nIt is lit every evening by who lives there.\n"
    assert headings(found) == [(1, "1. The lamp")]


def test_signs_in_a_table_are_no_bullets(read_one: ReadOne) -> None:
    rows = (("Fog", "Horn"), ("\u2013", "silent"), ("thick", "loud"), ("o", "open"), ("-", "shut"), ("-", "lost"))
    raw = drawn(*((50 + 40 * x, 100 + 12 * y, cell) for y, row in enumerate(rows) for x, cell in enumerate(row)))
    table = "| \u2013 | silent |\n| thick | loud |\n| o | open |\n| - | shut |\n| - | lost |\n"
    assert read_one(raw).text == f"| Fog | Horn |\n| --- | --- |\n{table}"


def test_what_chromium_prints(read_one: ReadOne) -> None:
    found = read_one((FILES / "printed.pdf").read_bytes())
    # The emoji has no character in the file.
    assert found.text == (
        "Skerry Point\n\nInes Renn\n\nThe lighthouse\n\nIt stands on a rock; Žofie painted it in 1900.\n\nLight\n\n"
        "- white\n- red\n  - at night\n\n"
        "| Year | Ships |\n| --- | --- |\n| 1900 | 12 |\n| 1910 | 40 |\n\nFog\n\nThe horn is heard for 5 km.\n"
    )
    assert headings(found) == [(1, "Skerry Point"), (1, "The lighthouse"), (2, "Light"), (2, "Fog")]
    assert (found.title, found.language, len(found.pages)) == ("Skerry Point", "en", 1)


def test_a_paragraph_further_left_ends_an_item(read_one: ReadOne) -> None:
    raw = drawn(
        (60, 100, "\u2022 white"), (60, 112, "\u2022 red, which"), (68, 124, "is rare"), (50, 136, "So it was.")
    )
    assert read_one(raw).text == "- white\n- red, which is rare\n\nSo it was.\n"


def test_what_is_drawn_beside_text_is_no_bullet_unless_it_looks_like_one(read_one: ReadOne) -> None:
    from reportlab.pdfgen import canvas

    raw = io.BytesIO()
    made = canvas.Canvas(raw)
    made.setFont("Helvetica", 10)
    made.drawString(100, 700, "An item")
    made.circle(90, 703.5, 1.5, fill=1)
    made.drawString(100, 670, "Beside two dots")
    made.circle(90, 673.5, 1.5, fill=1)
    made.circle(84, 673.5, 1.5, fill=1)
    made.drawString(100, 640, "Beside a box for a sign")
    made.rect(80, 635, 15, 15)
    made.drawString(100, 610, "Beside a rule")
    made.line(80, 614, 95, 614)
    made.drawString(100, 580, "Beside a dot that is far away")
    made.circle(40, 583.5, 1.5, fill=1)
    made.drawString(100, 550, "Above a dot")
    made.circle(90, 546, 1.5, fill=1)
    made.save()
    first, *others = read_one(raw.getvalue()).text.split("\n\n")
    assert first == "- An item" and len(others) == 5 and not any(one.startswith("-") for one in others)


def test_what_libreoffice_writes_as_spreadsheet(read_one: ReadOne) -> None:
    found = read_one((FILES / "sheet.pdf").read_bytes())
    first = "| Year | Ships | Since | Open |\n| --- | --- | --- | --- |\n"
    # "###" is what the sheet shows of a date in a narrow column.
    rows = "| 1900 | 12 | ### | TRUE |\n| 1910 | 40.5 |  | FALSE |\n| Sum | 52.5 |  |  |\n"
    second = "| Pier | Ships |\n| --- | --- |\n| North | 7 |\n"
    assert found.text == f"{first}{rows}\n{second}"
    assert (found.title, len(found.pages)) == ("Ships of Tarrow", 2)


def test_what_libreoffice_writes_as_slides(read_one: ReadOne) -> None:
    found = read_one((FILES / "slides.pdf").read_bytes())
    # What is beside a table on a slide follows it; the slide's list has no bullets.
    assert found.text == (
        "Skerry Point\n\nInes Renn\n\nTHE LIGHTHOUSE\n\nIt stands on a rock; Žofie painted it 💡 in 1900.\n\n"
        "| Year | Ships |\n| --- | --- |\n| 1900 | 12 |\n| 1910 | 40 |\n\nLight\n\nwhite red\n\nat night\n\n"
        "Fog\n\nThe horn is heard for 5 km.\n"
    )
    assert [found.text[start:].split("\n")[0] for start in found.pages][1::2] == ["THE LIGHTHOUSE", "| Year | Ships |"]
    assert len(found.pages) == 5
    assert (found.title, found.authors) == ("Skerry Point", ("Ines Renn",))


PLACED = st.tuples(
    st.sampled_from([50.0, 62.0, 80.0, 100.0, 104.0, 180.0, 300.0]),
    st.integers(min_value=8, max_value=20).map(lambda line: 12.0 * line),
    st.sampled_from(["\u2022", "o", "-", "1.", "2.", "12", "40", "fog", "the horn", "A. light", "at night o"]),
)


def _overprinted(one: tuple[float, float, str]) -> tuple[float, float, str]:
    """Equal where a text is printed over itself, a little aside: the engine takes that for bold, and for one text."""
    return round(one[0], -1), *one[1:]


@given(st.lists(PLACED, max_size=30, unique_by=(lambda one: one[:2], _overprinted)))
@settings(max_examples=100, deadline=None)
def test_no_word_is_lost_wherever_it_stands(read_one: ReadOne, placed: list[tuple[float, float, str]]) -> None:
    found = read_one(drawn((50, 60, "lighthouse"), *placed)).text
    letters = "".join(text for _, _, text in placed) + "lighthouse"
    kept = [Counter(filter(str.isalpha, text)) for text in (letters, found)]
    # "o" of a list's second level is its bullet.
    assert kept[0] - kept[1] <= Counter(o=len(placed)) and not kept[1] - kept[0]


PROSE = "the light of Tarrow stands on a rock in the sea where ships pass by at night and fog is seldom seen"
PROSES = st.randoms(use_true_random=False).map(lambda chance: chance.choices(PROSE.split(), k=80))


@given(
    PROSES,
    st.floats(min_value=90, max_value=250),
    st.sampled_from([TA_LEFT, TA_JUSTIFY, TA_CENTER]),
)
@settings(max_examples=60, deadline=None)
def test_prose_in_narrow_columns_is_no_table(read_one: ReadOne, words: list[str], width: float, alignment: int) -> None:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    raw = io.BytesIO()
    made = SimpleDocTemplate(raw, leftMargin=50, rightMargin=595 - 50 - width - 12)
    made.build([Paragraph(" ".join(words), ParagraphStyle("prose", alignment=alignment))])
    text = read_one(raw.getvalue()).text
    assert "|" not in text and text.split() == words


def test_numbers_of_items_and_headings_are_no_cells(read_one: ReadOne) -> None:
    raw = drawn(
        *((50, 100, "A."), (68, 100, "Light the lamp before the night"), (50, 112, "B."), (68, 112, "Wind the clock")),
        *((50, 200, "2.1"), (72, 200, "Of the lamp"), (50, 212, "2.2"), (72, 212, "Of the clock")),
    )
    assert read_one(raw).text == (
        "A. Light the lamp before the night B. Wind the clock\n\n2.1 Of the lamp 2.2 Of the clock\n"
    )


def test_code_in_letters_of_one_width_is_no_table(read_one: ReadOne) -> None:
    lines = ("red   = light", "green = fog", "blue  = storm")
    assert (
        "|" not in read_one(drawn(*((50, 100 + 12 * at, line) for at, line in enumerate(lines)), font="Courier")).text
    )


@pytest.mark.parametrize("beside", ["labels", "prose"])
def test_text_beside_a_table_that_is_drawn(read_one: ReadOne, beside: str) -> None:
    from reportlab.pdfgen import canvas

    raw = io.BytesIO()
    made = canvas.Canvas(raw, pagesize=(595, 842))
    made.setFont("Helvetica", 10)
    for x in (300, 350, 400):
        made.line(x, 700, x, 640)
    for y in (700, 680, 660, 640):
        made.line(300, y, 400, y)
    for row, cells in enumerate((("Year", "Ships"), ("1900", "12"), ("1910", "40"))):
        for column, cell in enumerate(cells):
            made.drawString(305 + 50 * column, 686 - 20 * row, cell)
    if beside == "labels":
        for row, label in enumerate(("Pier", "North", "South")):
            made.drawString(250, 686 - 20 * row, label)
    else:
        for line, words in enumerate(("The lamp is lit", "each evening by", "who lives there.")):
            made.drawString(100, 704 - 12 * line, words)
    made.save()
    table = "| Year | Ships |\n| --- | --- |\n| 1900 | 12 |\n| 1910 | 40 |\n"
    labelled = "| Pier | Year | Ships |\n| --- | --- | --- |\n| North | 1900 | 12 |\n| South | 1910 | 40 |\n"
    prose = "The lamp is lit each evening by who lives there.\n"
    assert read_one(raw.getvalue()).text == (labelled if beside == "labels" else f"{table}\n{prose}")
