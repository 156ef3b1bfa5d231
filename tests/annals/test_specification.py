"""The page that leads from the specification's names to ours: what it names is there."""

import re
from pkgutil import resolve_name

import pytest

from tests.annals.pipeline import ROOT

PAGE = (ROOT / "docs" / "specification.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d\.\d) \| (.+?) \| (.+?) \| ?(.*?) ?\|$", PAGE, re.MULTILINE)
OURS = sorted({name for _, _, ours, _ in ROWS for name in re.findall(r"`([\w.]+)`", ours)})


def test_every_row_leads_from_a_name_to_one_of_ours() -> None:
    assert len(ROWS) == len(re.findall(r"^\| \d", PAGE, re.MULTILINE)) > 50
    for _, specified, ours, _ in ROWS:
        assert re.fullmatch(r"`[\w:]+`(, `[\w:]+`)*", specified)
        assert re.fullmatch(r"`[\w.]+`(, `[\w.]+`)*", ours), specified


@pytest.mark.parametrize("name", OURS)
def test_what_the_page_names_can_be_imported(name: str) -> None:
    assert resolve_name(name) is not None
