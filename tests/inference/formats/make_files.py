"""Make `files/` anew: what LibreOffice and Chromium write, which no package of Python brings along.

    python -m tests.inference.formats.make_files

needs `soffice` (LibreOffice 7.4 made those that are here) and `chromium` on the path; the tests need neither.
"""

import datetime
import shutil
import subprocess
import tempfile
from pathlib import Path

import openpyxl
import pypandoc

FILES = Path(__file__).parent / "files"
SOURCE = FILES / "skerry.md"
LIMIT_S = 120
WRITTEN = {
    "skerry.docx": ("docx", "odt", "rtf", "pdf", "epub", "html", "doc"),
    "slides.pptx": ("pptx", "odp", "pdf"),
    "sheet.xlsx": ("xlsx", "ods", "xls", "csv", "pdf"),
}


def run(*command: str) -> None:
    """Raises CalledProcessError, TimeoutExpired."""
    subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S)


def sheet(path: Path) -> None:
    """Two sheets, with a date, a truth value, a gap and a sum."""
    book = openpyxl.Workbook()
    book.properties.title = "Ships of Tarrow"
    first, second = book.active, book.create_sheet("By pier")
    first.title = "By year"
    for row in (
        ["Year", "Ships", "Since", "Open"],
        [1900, 12, datetime.datetime(2020, 1, 2), True],
        [1910, 40.5, None, False],
        ["Sum", "=SUM(B2:B3)"],
    ):
        first.append(row)
    for row in (["Pier", "Ships"], ["North", 7]):
        second.append(row)
    book.save(path)


def main() -> None:
    """Everything, over what is there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pandoc = (pypandoc.get_pandoc_path(), "-s", "--slide-level", "2", str(SOURCE), "-o")
        for made in ("skerry.docx", "skerry.html", "slides.pptx"):
            run(*pandoc, str(folder / made))
        sheet(folder / "sheet.xlsx")
        for made, kinds in WRITTEN.items():
            for kind in kinds:
                profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
                run(
                    "soffice", profile, "--headless", "--convert-to", kind, "--outdir", str(folder / kind),
                    str(folder / made),
                )  # fmt: skip
                shutil.copy(folder / kind / Path(made).with_suffix(f".{kind}").name, FILES)
        printed = f"--print-to-pdf={FILES / 'printed.pdf'}"
        run(
            "chromium", "--headless", "--no-sandbox", "--no-pdf-header-footer", printed,
            (folder / "skerry.html").as_uri(),
        )  # fmt: skip


if __name__ == "__main__":
    main()
