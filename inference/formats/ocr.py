"""Text of scanned pages, by tesseract where it is installed on this machine."""

import shutil
import subprocess
from typing import Any

from inference.formats.pdf_characters import Piece
from inference.formats.pdf_layout import Row

SCALE = 200 / 72
"""200 dots an inch, of which tesseract asks for at least."""
MAX_DOTS = 40_000_000
PAGE_LIMIT_S = 20.0
LINE = 12.0


class Ocr:
    """Recognises pages. `recognised`: how many."""

    def __init__(self) -> None:
        self._tesseract = shutil.which("tesseract")
        self.recognised = 0

    @property
    def advice(self) -> str:
        """What to do about pages without text."""
        if self._tesseract is None:
            return "install tesseract to have them recognised"
        return "tesseract found nothing"

    def rows(self, page: Any) -> list[Row]:
        """The lines of a page; none without tesseract, or where it finds none."""
        if self._tesseract is None:
            return []
        width, height = page.get_size()
        scale = min(SCALE, (MAX_DOTS / max(1.0, width * height)) ** 0.5)
        bitmap = page.render(scale=scale, grayscale=True)
        image = bitmap.to_numpy()
        rows, columns = image.shape[:2]
        header = f"P5 {columns} {rows} 255\n".encode()
        try:
            found = subprocess.run(
                [self._tesseract, "stdin", "stdout", "--dpi", "200"],
                input=header + image.reshape(rows, columns).tobytes(),
                capture_output=True,
                timeout=PAGE_LIMIT_S,
                check=True,
            ).stdout.decode("utf-8", "replace")
        except (subprocess.SubprocessError, OSError):
            return []
        lines = [line.strip() for line in found.replace("\f", "\n").split("\n")]
        # Empty lines are what separates paragraphs: the next line is further down.
        made = [Row([Piece(line, 0.0, width, -LINE * number, LINE, 0)], 0) for number, line in enumerate(lines) if line]
        self.recognised += bool(made)
        return made
