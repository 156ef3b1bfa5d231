"""`examples/analyst.ipynb` is stored without outputs, and says what the read models hold when its cells are run."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.annals.conftest import Up
from tests.annals.pipeline import ROOT, given

NOTEBOOK = ROOT / "examples" / "analyst.ipynb"


def code_cells() -> list[dict[str, Any]]:
    return [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_it_is_stored_without_outputs() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code_cells())


def test_its_cells_run_and_say_what_the_read_models_hold(
    up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANNALS_DATA", str(up.data))
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=":")
    names: dict[str, Any] = {}
    for number, cell in enumerate(code_cells()):
        exec(compile("".join(cell["source"]), f"{NOTEBOOK.name}, cell {number}", "exec"), names)
    named = {name: mentions for name, _, mentions, _ in names["named"].fetchall()}
    shown = given(up.data, "entity", "show", max(named, key=lambda name: named[name]))
    assert shown["mentions"] == max(named.values())
    for found in ("together", "predicates", "central", "alike"):
        assert names[found].fetchall(), found
    assert all(-1 <= likeness <= 1.001 for _, _, likeness in names["alike"].fetchall())
    assert sys.executable in names["export"]
