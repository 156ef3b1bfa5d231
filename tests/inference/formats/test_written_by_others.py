"""What the writers of others made is read back: the same text, titles, tables, pages."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.formats import outlook
from inference.formats.context import ReadContext
from inference.formats.document import NotRead, ReadDocument
from tests.inference.formats.conftest import ReadAll, ReadOne, Refusal, headings
from tests.inference.formats.samples import pandoc, saved

SOURCE = """---
title: Skerry Point
author: Ines Renn
date: 2020-02-03
lang: en
---
# The lighthouse

It stands on a rock; *Žofie* painted it 💡 in 1900.

## Light

- white
- red

  - at night

| Year | Ships |
|------|-------|
| 1900 | 12    |
| 1910 | 40    |

## Fog

The [horn](https://example.org) is ~~old~~ heard for 5 km.
"""


@pytest.mark.parametrize("kind", ["docx", "odt", "epub", "html", "rtf", "pptx"])
def test_what_pandoc_writes(read_one: ReadOne, tmp_path: Path, kind: str) -> None:
    found = read_one(pandoc(tmp_path, kind, SOURCE), "a-name-that-says-nothing")
    assert found.kind == kind
    assert "It stands on a rock; Žofie painted it 💡 in 1900." in found.text
    assert "| Year | Ships |\n| --- | --- |\n| 1900 | 12 |\n| 1910 | 40 |\n" in found.text
    assert "- white\n" in found.text and "at night" in found.text
    # pptx: what is beside a table on a slide follows it; strikeout is kept, as it is said.
    assert "The horn is old heard for 5 km." in found.text
    if kind != "pptx":
        assert (1, "The lighthouse") in headings(found) and (2, "Fog") in headings(found)
    if kind != "rtf":
        assert (found.title, found.authors) == ("Skerry Point", ("Ines Renn",))
    if kind in ("epub", "html"):
        assert (found.created, found.language) == ("2020-02-03", "en")


def test_what_python_docx_writes(read_one: ReadOne) -> None:
    import docx

    document = docx.Document()
    document.core_properties.title, document.core_properties.author = "Tarrow", "Ines Renn; Tobias Renn"
    document.add_heading("The harbour", 1)
    paragraph = document.add_paragraph("It has ")
    paragraph.add_run("two").bold = True
    hidden = paragraph.add_run(" secret")
    hidden.font.hidden = True
    paragraph.add_run(" piers.")
    document.add_paragraph("North pier", style="List Bullet")
    table = document.add_table(rows=2, cols=3)
    for index, text in enumerate(("Year", "Ships", "Note", "1900", "12", "a|b")):
        table.cell(index // 3, index % 3).text = text
    table.add_row().cells[0].merge(table.rows[2].cells[2]).text = "all of it"
    document.add_heading("Deep", 4)
    raw = io.BytesIO()
    document.save(raw)
    found = read_one(raw.getvalue(), "x.pdf")
    assert found.text == (
        "# The harbour\n\nIt has two piers.\n\n- North pier\n\n"
        "| Year | Ships | Note |\n| --- | --- | --- |\n| 1900 | 12 | a\\|b |\n| all of it |  |  |\n\n#### Deep\n"
    )
    assert (found.title, found.authors) == ("Tarrow", ("Ines Renn", "Tobias Renn"))
    assert found.warnings == ("is named .pdf and is docx",)


def test_what_python_pptx_writes(read_one: ReadOne) -> None:
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Tarrow"
    slide.placeholders[1].text = "Two piers\nA lighthouse"
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "Ships"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for index, text in enumerate(("Year", "Ships", "1900", "12")):
        table.cell(index // 2, index % 2).text = text
    raw = io.BytesIO()
    deck.save(raw)
    found = read_one(raw.getvalue())
    assert found.text == (
        "# Tarrow\n\n- Two piers\n- A lighthouse\n\nSay it slowly.\n\n"
        "# Ships\n\n| Year | Ships |\n| --- | --- |\n| 1900 | 12 |\n"
    )
    assert [found.text[start:].split("\n")[0] for start in found.pages] == ["# Tarrow", "# Ships"]


def test_a_slide_of_two_titles(read_one: ReadOne) -> None:
    """Its first one with text is its heading, whatever their index is; the other is text."""
    from pptx import Presentation

    deck = Presentation()
    for texts in (("Tarrow", "Two piers"), ("", "A lighthouse")):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        for placeholder, text in zip(slide.placeholders, texts, strict=True):
            placeholder.text = text
            placeholder._element.ph.set("type", "title")
            placeholder._element.ph.attrib.pop("idx", None)
    raw = io.BytesIO()
    deck.save(raw)
    found = read_one(raw.getvalue())
    assert (found.title, found.text) == ("Tarrow", "# Tarrow\n\nTwo piers\n\n# A lighthouse\n")


def test_what_openpyxl_writes(read_one: ReadOne) -> None:
    import datetime

    import openpyxl

    book = openpyxl.Workbook()
    book.properties.title = "Ships of Tarrow"
    sheet = book.active
    sheet.title = "By year"
    sheet.append(["Year", "Ships", "Since", "Open"])
    sheet.append([1900, 12.0, datetime.datetime(2020, 1, 2), True])
    sheet.append([])
    sheet.append([1910, 40.5, None, False])
    book.create_sheet("Empty")
    book.create_sheet("Second").append(["one", "two"])
    raw = io.BytesIO()
    book.save(raw)
    found = read_one(raw.getvalue())
    assert found.title == "Ships of Tarrow"
    assert found.text == (
        "# By year\n\n| Year | Ships | Since | Open |\n| --- | --- | --- | --- |\n"
        "| 1900 | 12 | 2020-01-02 | TRUE |\n| 1910 | 40.5 |  | FALSE |\n\n# Empty\n\n# Second\n\n| one | two |\n"
        "| --- | --- |\n"
    )
    assert len(found.pages) == 3


def test_what_xlsxwriter_writes(read_one: ReadOne) -> None:
    import datetime

    import xlsxwriter

    raw = io.BytesIO()
    book = xlsxwriter.Workbook(raw, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    book.set_properties({"title": "Ships of Tarrow", "author": "Ines Renn"})
    sheet = book.add_worksheet("By year")
    sheet.write_row(0, 0, ["Year", "Ships", "Since", "Note"])
    sheet.write_row(1, 0, [1900, 12.5, datetime.datetime(2020, 1, 2), "größer | 💡"])
    sheet.write_rich_string(2, 3, "in ", book.add_format({"bold": True}), "bold", " letters")
    sheet.write_formula(2, 1, "=B2*2", None, 25)
    book.add_worksheet("Hidden").hide()
    book.close()
    found = read_one(raw.getvalue(), "x")
    assert (found.kind, found.title, found.authors) == ("xlsx", "Ships of Tarrow", ("Ines Renn",))
    assert "| Year | Ships | Since | Note |\n| --- | --- | --- | --- |\n" in found.text
    assert "| 1900 | 12.5 | 2020-01-02 | größer \\| 💡 |\n" in found.text
    assert "|  | 25 |  | in bold letters |\n" in found.text


def test_what_odfpy_writes_as_text(read_one: ReadOne) -> None:
    from odf import dc, meta
    from odf.office import Annotation
    from odf.opendocument import OpenDocumentText
    from odf.table import CoveredTableCell, Table, TableCell, TableHeaderRows, TableRow
    from odf.text import H, List, ListItem, Note, NoteBody, NoteCitation, P, S, Span

    made = OpenDocumentText()
    made.meta.addElement(dc.Title(text="Tarrow"))
    made.meta.addElement(meta.InitialCreator(text="Ines Renn"))
    made.meta.addElement(dc.Language(text="en-GB"))
    made.text.addElement(H(outlinelevel=1, text="The harbour"))
    paragraph = P(text="It has ")
    paragraph.addElement(Span(text="two"))
    paragraph.addElement(S(c=2))
    note = Note(noteclass="footnote")
    note.addElement(NoteCitation(text="1"))
    body = NoteBody()
    body.addElement(P(text="A note."))
    note.addElement(body)
    paragraph.addElement(note)
    paragraph.addText("piers, größer 💡.")
    made.text.addElement(paragraph)
    made.text.addElement(H(outlinelevel=2, text="Ships"))
    outer, inner = List(), List()
    for within, text in ((outer, "white"), (inner, "at night")):
        item = ListItem()
        item.addElement(P(text=text))
        within.addElement(item)
        if within is outer:
            item.addElement(inner)
    made.text.addElement(outer)
    table, header = Table(name="t"), TableHeaderRows()
    header.addElement(row_of(TableRow, TableCell, "Year", "Ships", "Note"))
    table.addElement(header)
    table.addElement(row_of(TableRow, TableCell, "1900", "12", "a|b"))
    last = row_of(TableRow, TableCell, "all of it")
    remark = Annotation()
    remark.addElement(P(text="A remark."))
    last.lastChild.addElement(remark)
    last.addElement(CoveredTableCell(numbercolumnsrepeated=2))
    table.addElement(last)
    made.text.addElement(table)
    found = read_one(saved(made), "x")
    assert found.text == (
        "# The harbour\n\nIt has two piers, größer 💡.\n\n## Ships\n\n- white\n  - at night\n\n"
        "| Year | Ships | Note |\n| --- | --- | --- |\n| 1900 | 12 | a\\|b |\n| all of it |\n"
    )
    assert (found.kind, found.title, found.authors, found.language) == ("odt", "Tarrow", ("Ines Renn",), "en-GB")
    assert headings(found) == [(1, "The harbour"), (2, "Ships")]


def row_of(row: Any, cell: Any, *texts: str, **attributes: Any) -> Any:
    from odf.text import P

    made = row(**attributes)
    for text in texts:
        one = cell(valuetype="string")
        one.addElement(P(text=text))
        made.addElement(one)
    return made


def test_what_odfpy_writes_as_spreadsheet(read_one: ReadOne) -> None:
    from odf import dc
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    made = OpenDocumentSpreadsheet()
    made.meta.addElement(dc.Title(text="Ships of Tarrow"))
    first, second = Table(name="By year"), Table(name="By pier")
    first.addElement(row_of(TableRow, TableCell, "Year", "Ships", "Open"))
    row = TableRow()
    shown = TableCell(valuetype="float", value=12.5)
    shown.addElement(P(text="12,5"))
    # A value that no writer said how to show, and a thousand empty cells behind it.
    for cell in (TableCell(valuetype="date", datevalue="2020-01-02"), shown, TableCell(numbercolumnsrepeated=16381)):
        row.addElement(cell)
    first.addElement(row)
    first.addElement(TableRow(numberrowsrepeated=1_000_000))
    first.addElement(row_of(TableRow, TableCell, "x", numberrowsrepeated=2))
    second.addElement(row_of(TableRow, TableCell, "one", "two"))
    for sheet in (first, Table(name="Empty"), second):
        made.spreadsheet.addElement(sheet)
    found = read_one(saved(made), "x")
    assert (found.kind, found.title) == ("ods", "Ships of Tarrow")
    assert found.text == (
        "# By year\n\n| Year | Ships | Open |\n| --- | --- | --- |\n| 2020-01-02 | 12,5 |\n| x |\n| x |\n\n"
        "# Empty\n\n# By pier\n\n| one | two |\n| --- | --- |\n"
    )
    assert [found.text[start:].split("\n")[0] for start in found.pages] == ["# By year", "# Empty", "# By pier"]


def test_dates_of_an_opendocument_spreadsheet(read_one: ReadOne) -> None:
    """As XLSX has them, however they are shown; a value that is no date is as it is shown."""
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    made, sheet = OpenDocumentSpreadsheet(), Table(name="By year")
    for value in ("2020-01-02", "2020-01-02T00:00:00", "2020-01-02T12:30:00", "2020-01-02T12:30:00.500000000", "?"):
        row, cell = TableRow(), TableCell(valuetype="date", datevalue=value)
        cell.addElement(P(text="2.1.20"))
        row.addElement(cell)
        sheet.addElement(row)
    made.spreadsheet.addElement(sheet)
    found = read_one(saved(made), "x")
    assert found.text.split("\n\n")[1].split("\n") == [
        "| 2020-01-02 |", "| --- |", "| 2020-01-02 |", "| 2020-01-02 12:30:00 |", "| 2020-01-02 12:30:00.500000 |",
        "| 2.1.20 |", "",
    ]  # fmt: skip


def test_what_odfpy_writes_as_presentation(read_one: ReadOne) -> None:
    from odf.draw import Frame, Page, TextBox
    from odf.opendocument import OpenDocumentPresentation
    from odf.presentation import Notes
    from odf.style import MasterPage, PageLayout
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    made = OpenDocumentPresentation()
    made.automaticstyles.addElement(PageLayout(name="layout"))
    made.masterstyles.addElement(MasterPage(name="master", pagelayoutname="layout"))

    def frame(kind: str, *texts: str) -> Any:
        around, box = Frame(attributes={"class": kind}), TextBox()
        for text in texts:
            box.addElement(P(text=text))
        around.addElement(box)
        return around

    slide, second = Page(masterpagename="master", name="1"), Page(masterpagename="master", name="2")
    notes = Notes()
    notes.addElement(frame("notes", "Say it slowly."))
    # As they are stored, the title is not always the first.
    for one in (notes, frame("outline", "Two piers", "A lighthouse"), frame("title", "Tarrow")):
        slide.addElement(one)
    table, around = Table(), Frame()
    for texts in (("Year", "Ships"), ("1900", "12")):
        table.addElement(row_of(TableRow, TableCell, *texts))
    around.addElement(table)
    for one in (frame("title", "Ships"), around):
        second.addElement(one)
    for one in (slide, second):
        made.presentation.addElement(one)
    found = read_one(saved(made), "x")
    assert (found.kind, found.title) == ("odp", "Tarrow")
    assert found.text == (
        "# Tarrow\n\n- Two piers\n- A lighthouse\n\nSay it slowly.\n\n"
        "# Ships\n\n| Year | Ships |\n| --- | --- |\n| 1900 | 12 |\n"
    )
    assert [found.text[start:].split("\n")[0] for start in found.pages] == ["# Tarrow", "# Ships"]


@pytest.mark.parametrize(("unicode", "code_page"), [(True, None), (False, 1252), (False, None)])
def test_what_aspose_writes_as_outlook_message(read_all: ReadAll, unicode: bool, code_page: int | None) -> None:
    """Its mail comes back, and what is attached to it as documents of their own; a message within it, too."""
    import datetime

    from aspose.email_foss.msg import MapiMessage, PropertyId, PropertyTypeCode

    made = MapiMessage.create("The pier of Tarrow", "See there.\r\n\r\nInés Renn", unicode_strings=unicode)
    if code_page is not None:
        # Of what is no Unicode. The writer says US-ASCII by itself, which it is not.
        made.set_property(0x3FDE, PropertyTypeCode.PTYP_INTEGER32, code_page)
    made.set_property(PropertyId.SENDER_NAME, "Inés Renn")
    made.set_property(PropertyId.SENDER_EMAIL_ADDRESS, "i@example.org")
    sent = datetime.datetime(2021, 3, 4, 10, 30, tzinfo=datetime.UTC)
    made.set_property(0x0039, PropertyTypeCode.PTYP_TIME, sent)
    made.add_recipient("t@example.org", display_name="Tobias Renn")
    made.add_attachment("pier.txt", "Žofie painted it 💡.".encode(), mime_type="text/plain")
    made.add_attachment("pier.png", b"\x89PNG\r\n\x1a\n" + bytes(64), mime_type="image/png")
    first, attached, image = read_all(made.to_bytes(), "a-name-that-says-nothing")
    assert isinstance(first, ReadDocument) and isinstance(attached, ReadDocument)
    assert (first.kind, first.title) == ("msg", "The pier of Tarrow")
    assert "Subject: The pier of Tarrow\n" in first.text and "t@example.org" in first.text
    assert first.text.endswith("See there.\n\nInés Renn\n")
    assert first.created == "2021-03-04T10:30:00+00:00" and "Inés Renn" in first.authors[0]
    assert (attached.part, attached.text) == ("pier.txt", "Žofie painted it 💡.")
    assert isinstance(image, NotRead) and image.unsupported and image.part == "pier.png"


def test_messages_within_a_message(read_all: ReadAll) -> None:
    """As somebody forwards one in which another one is attached: each with what is attached to it."""
    from aspose.email_foss.msg import MapiMessage

    made = MapiMessage.create("Deepest", "The lighthouse.")
    for number in range(2):
        made.add_attachment(f"{number}.txt", f"Attached to {number}.".encode(), mime_type="text/plain")
        outer = MapiMessage.create(f"Forward {number}", f"See within, {number}.")
        outer.add_embedded_message_attachment(made)
        made = outer
    found = read_all(made.to_bytes(), "a.msg")
    assert [(one.part, one.text.strip().split("\n")[-1]) for one in found if isinstance(one, ReadDocument)] == [
        ("", "See within, 1."),
        ("Forward 0.msg", "See within, 0."),
        ("Forward 0.msg/Deepest.msg", "The lighthouse."),
        ("Forward 0.msg/Deepest.msg/0.txt", "Attached to 0."),
        ("Forward 0.msg/1.txt", "Attached to 1."),
    ]
    for _ in range(20):
        outer = MapiMessage.create("Forward", "See within.")
        outer.add_embedded_message_attachment(made)
        made = outer
    last = read_all(made.to_bytes(), "a.msg")[-1]
    assert isinstance(last, NotRead) and "files within files" in last.reason


def test_a_message_within_a_message_as_outlook_writes_it() -> None:
    """With a header of 24 bytes, where Aspose has one of 32."""
    from aspose.email_foss.msg import MapiMessage
    from olefile import OleFileIO
    from oxmsg.storage import Storage

    inner, outer = MapiMessage.create("Inner", "The lighthouse."), MapiMessage.create("Outer", "See within.")
    outer.add_embedded_message_attachment(inner)
    with OleFileIO(io.BytesIO(outer.to_bytes())) as opened:
        (attachment,) = Storage.from_ole(opened).iter_attachment_storages()
    (within,) = attachment.storages
    streams = tuple(
        replace(one, bytes_=one.bytes_[:24] + one.bytes_[32:]) if one.name == outlook.PROPERTIES else one
        for one in within.streams
    )
    assert streams != within.streams
    for storage in (within, replace(within, streams=streams)):
        (found,) = outlook._within(storage, ReadContext("a.msg", lambda raw, context: iter(())))
        assert isinstance(found, ReadDocument) and found.text == "Subject: Inner\n\nThe lighthouse.\n"


def test_what_fpdf_writes(read_one: ReadOne) -> None:
    from fpdf import FPDF

    made = FPDF()
    made.set_title("Tarrow")
    made.set_author("Ines Renn")
    made.set_lang("en")
    body = "The harbour of Tarrow has two piers and a lighthouse, which was painted by many. "
    for number in (1, 2, 3, 4):
        made.add_page()
        made.set_font("helvetica", size=9)
        made.cell(text=f"Report - page {number}")
        made.ln(20)
        made.set_font("helvetica", size=20)
        made.cell(text=f"Chapter {number}")
        made.ln(15)
        made.set_font("helvetica", size=11)
        made.multi_cell(0, text=body * 6)
    found = read_one(bytes(made.output()), "x.txt")
    assert (found.title, found.authors, found.language) == ("Tarrow", ("Ines Renn",), "en")
    assert headings(found) == [(1, f"Chapter {number}") for number in (1, 2, 3, 4)]
    assert [found.text[start : start + 9] for start in found.pages] == [f"Chapter {number}" for number in (1, 2, 3, 4)]
    assert found.text.count((body * 6).strip()) == 4, "lines are one paragraph again"
    assert "Report" not in found.text, "what heads every page is no text"


def of_reportlab(*story: Any, columns: int = 1, **options: Any) -> bytes:
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

    raw = io.BytesIO()
    width = 500 / columns
    frames = [Frame(40 + width * index, 40, width - 20, 740) for index in range(columns)]
    BaseDocTemplate(raw, pageTemplates=[PageTemplate(frames=frames)], **options).build(list(story))
    return raw.getvalue()


def test_columns_are_read_one_after_another(read_one: ReadOne) -> None:
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph

    style = getSampleStyleSheet()["BodyText"]
    sentences = [f"Sentence {n} of the columns tells of ships and fog in the harbour of Tarrow." for n in range(45)]
    found = read_one(of_reportlab(*(Paragraph(one, style) for one in sentences), columns=2))
    at = [found.text.find(one) for one in sentences]
    assert min(at) >= 0 and at == sorted(at)


def test_lines_that_alternate_between_columns_are_read_by_column(read_one: ReadOne) -> None:
    from reportlab.pdfgen import canvas

    raw = io.BytesIO()
    made = canvas.Canvas(raw)
    made.setFont("Helvetica", 18)
    made.drawString(50, 780, "A heading that goes over both of the columns")
    made.setFont("Helvetica", 10)
    for line in range(12):
        made.drawString(50, 740 - 12 * line, f"left {line} has words that fill its column quite")
        made.drawString(310, 740 - 12 * line, f"right {line} has words that fill its column too")
    made.save()
    text = read_one(raw.getvalue()).text
    assert text.index("A heading") < text.index("left 0") < text.index("left 11") < text.index("right 0")
    assert text.index("right 0") < text.index("right 11")


def test_tables_of_a_pdf(read_one: ReadOne) -> None:
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, Table

    style = getSampleStyleSheet()["BodyText"]
    rows = [["Year", "Ships", "Pier"], *([str(1900 + n), str(n), "north"] for n in range(6))]
    found = read_one(of_reportlab(Paragraph("The ships.", style), Table(rows), Paragraph("So it was.", style)))
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows[1:])
    assert found.text == f"The ships.\n\n| Year | Ships | Pier |\n| --- | --- | --- |\n{table}\n\nSo it was.\n"


def test_hidden_and_turned_text(read_one: ReadOne) -> None:
    from reportlab.pdfgen import canvas

    raw = io.BytesIO()
    made = canvas.Canvas(raw)
    made.drawString(100, 700, "Visible line.")
    hidden = made.beginText(100, 600)
    hidden.setTextRenderMode(3)
    hidden.textLine("Invisible words.")
    hidden.setTextRenderMode(0)
    made.drawText(hidden)
    made.saveState()
    made.translate(300, 300)
    made.rotate(45)
    made.drawString(0, 0, "Aslant")
    made.restoreState()
    made.showPage()
    made.setPageRotation(90)
    made.saveState()
    made.rotate(90)
    made.drawString(100, -100, "On a turned")
    made.drawString(100, -114, "page.")
    made.restoreState()
    made.save()
    found = read_one(raw.getvalue())
    assert found.text == "Visible line.\n\nAslant\n\nOn a turned page.\n"
    assert found.pages == (0, found.text.index("On"))


def scan() -> bytes:
    """A PDF of two pages: one with text, one that is an image alone."""
    from PIL import Image, ImageDraw
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen import canvas

    image = Image.new("L", (1240, 1754), 255)
    ImageDraw.Draw(image).text((200, 300), "SCANNED WORDS", fill=0, font_size=80)
    raw = io.BytesIO()
    made = canvas.Canvas(raw, pagesize=(595, 842))
    made.drawString(100, 700, "Text of the first page.")
    made.showPage()
    made.drawImage(ImageReader(image), 0, 0, 595, 842)
    made.save()
    return raw.getvalue()


def test_scanned_pages_are_named(read_one: ReadOne) -> None:
    import shutil

    found = read_one(scan())
    (warning,) = found.warnings
    if shutil.which("tesseract"):
        assert "SCANNED WORDS" in found.text and "recognised by tesseract" in warning
    else:
        assert warning == "page 2 is scanned, without text; install tesseract to have them recognised"
    assert found.text.startswith("Text of the first page.\n") and len(found.pages) == 2


def test_a_pdf_with_a_password(refusal: Refusal, read_one: ReadOne) -> None:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen import canvas

    for user, said in (("secret", True), ("", False)):
        raw = io.BytesIO()
        made = canvas.Canvas(raw, encrypt=StandardEncryption(user, "owner"))
        made.drawString(100, 100, "Words.")
        made.save()
        if said:
            assert refusal(raw.getvalue()) == "is encrypted with a password; save it without one"
        else:
            assert read_one(raw.getvalue()).text == "Words.\n"


def archived() -> bytes:
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    raw = io.BytesIO()
    writer = WARCWriter(raw, gzip=True)
    for number, (kind, status) in enumerate(
        (("text/html", "200 OK"), ("image/png", "200 OK"), ("text/html", "404 No"))
    ):
        headers = StatusAndHeaders(status, [("Content-Type", kind)], protocol="HTTP/1.1")
        page = f"<html><title>Page {number}</title><body><p>Text of {number}.</p></body></html>".encode()
        writer.write_record(
            writer.create_warc_record(
                f"https://example.org/{number}.html", "response", payload=io.BytesIO(page), http_headers=headers
            )
        )
    return raw.getvalue()


def test_what_warcio_writes(read_one: ReadOne) -> None:
    found = read_one(archived())
    assert (found.part, found.title, found.text) == ("https://example.org/0.html", "Page 0", "Text of 0.\n")
    assert found.created is not None


def zipped(files: dict[str, bytes], **options: Any) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return raw.getvalue()


def test_archives_are_opened_only_when_asked(read_all: ReadAll, refusal: Refusal) -> None:
    import gzip
    import tarfile

    files = {"a.txt": b"Text of a.", "deep/b.csv": b"x,y\n1,2\n", "deep/c.bin": bytes(100)}
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    for raw in (zipped(files), tar.getvalue()):
        assert refusal(raw, "a.zip") == "is an archive; unpack it, or read it with --archives"
        found = read_all(raw, "a.zip", archives=True)
        assert [one.part for one in found] == ["a.txt", "deep/b.csv", "deep/c.bin"]
        assert [type(one) for one in found] == [ReadDocument, ReadDocument, NotRead]
    (single,) = read_all(gzip.compress(b"Text of a."), "a.txt.gz", archives=True)
    assert isinstance(single, ReadDocument) and (single.part, single.text) == ("a.txt", "Text of a.")


def test_bombs_and_entities_are_named(read_all: ReadAll, refusal: Refusal) -> None:
    import gzip

    bomb = zipped({"word/document.xml": bytes(50_000_000)})
    assert refusal(bomb).startswith("is a decompression bomb")
    assert refusal(zipped({"a.txt": bytes(50_000_000)}), archives=True).startswith("is a decompression bomb")
    layers = gzip.compress(gzip.compress(bytes(100_000_000)))
    (found,) = read_all(layers, "a.gz", archives=True)
    assert isinstance(found, NotRead) and found.reason.startswith("is a decompression bomb")
    laughs = b'<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><d>&b;</d>'
    assert "declares XML entities" in refusal(zipped({"word/document.xml": laughs}))
    container = b"<container><rootfiles><rootfile full-path='p.opf'/></rootfiles></container>"
    epub = {"mimetype": b"application/epub+zip", "META-INF/container.xml": container, "p.opf": laughs}
    assert "declares XML entities" in refusal(zipped(epub))
    nested = b"Text."
    for _ in range(8):
        nested = zipped({"inner.zip": nested, "a.txt": b"x"})
    last = read_all(nested, archives=True)[0]
    assert isinstance(last, NotRead) and "files within files" in last.reason


def test_office_files_of_old_and_encrypted_ones_are_named(refusal: Refusal) -> None:
    ole = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)
    assert refusal(ole + "EncryptedPackage".encode("utf-16-le")) == "is encrypted with a password; save it without one"
    assert "Word document of before 2007" in refusal(ole + "WordDocument".encode("utf-16-le"))
    assert "Excel workbook of before 2007" in refusal(ole + "Workbook".encode("utf-16-le"))


def test_metadata_survives_the_way_out_of_the_child(read_one: ReadOne) -> None:
    found = read_one(json.dumps({"title": "Žofie 💡"}).encode(), "a.json")
    assert (found.title, found.kind) == ("Žofie 💡", "json")
