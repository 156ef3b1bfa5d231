"""What the documents name is there: files, folders, make's targets, each other."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ADR = ROOT / "docs" / "adr"
DECISIONS = sorted(file for file in ADR.glob("*.md") if file.name != "README.md")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "docs" / "glossary.md",
    ROOT / "docs" / "operations.md",
    ROOT / "docs" / "security.md",
    *DECISIONS,
]
NAMES = {page: page.relative_to(ROOT).as_posix() for page in PAGES}
ROOMS = tuple(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))


@pytest.mark.parametrize("page", PAGES, ids=NAMES.values())
def test_the_files_and_folders_that_a_page_names_are_there(page: Path) -> None:
    named = re.findall(r"`([\w./-]+)`", page.read_text("utf-8"))
    paths = [name for name in named if name.startswith(ROOMS) and "ROOM" not in name]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES.values())
def test_the_targets_that_a_page_names_are_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([\w-]+)", page.read_text("utf-8")))
    assert named <= targets


def test_every_decision_is_listed_and_has_its_parts() -> None:
    index = (ADR / "README.md").read_text("utf-8")
    assert re.findall(r"\((\d{4}-[\w-]+\.md)\)", index) == [file.name for file in DECISIONS]
    assert [int(file.name[:4]) for file in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for file in DECISIONS:
        text = file.read_text("utf-8")
        assert text.startswith(f"# {file.name[:4]}. ")
        assert re.findall(r"^\*\*(Context|Decision|Consequences)\.\*\*", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
        ]
