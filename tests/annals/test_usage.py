"""Wrong settings and arguments: one line, exit code 2, whatever the source and the command; nothing is made."""

import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from annals.cli import group
from tests.annals.pipeline import ANNALS, ROOT, environment, refused

NO_UTF8 = os.fsdecode(b"caf\xe9")
COMMANDS = [("status",), ("ask", "Who?"), ("run", "worker"), ("up",), ("topics", "diff"), ("dead-letters", "list")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("name", "value"), [("CHUNK_TOKENS", "30"), ("POOL_SIZE", "0"), ("COLOUR", "red"), ("EMBEDDER", NO_UTF8)]
)
def test_a_wrong_variable_is_one_line_in_every_command(
    tmp_path: Path, command: tuple[str, ...], name: str, value: str
) -> None:
    data = tmp_path / "data"
    assert f"ANNALS_{name}" in refused(data, *command, exit_code=2, env={f"ANNALS_{name}": value})
    assert not data.exists()


def test_a_wrong_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "annals.toml").write_text("workers = 'many'\ncolour = 'red'\n")
    said = refused(tmp_path, "status", exit_code=2)
    assert f"workers ({tmp_path / 'annals.toml'}): " in said
    assert f"colour ({tmp_path / 'annals.toml'}) is no setting" in said


@pytest.mark.pipeline
def test_in_a_process_of_its_own_it_is_one_line_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [*ANNALS, "search", NO_UTF8, "--data", str(tmp_path)],
        cwd=ROOT,
        env=environment({"ANNALS_CHUNK_TOKENS": "30"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr


@pytest.mark.pipeline
@pytest.mark.parametrize(
    "arguments",
    [
        ("search", NO_UTF8),
        ("ask", NO_UTF8),
        ("show", NO_UTF8),
        ("history", NO_UTF8),
        ("delete", "fine", NO_UTF8),
        ("delete", "fine", "--reason", NO_UTF8),
        ("status", "--data", NO_UTF8),
        ("status", f"--{NO_UTF8}"),
        (NO_UTF8,),
    ],
    ids=ascii,
)
def test_an_argument_that_is_not_utf8_is_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    located = ("--data", str(tmp_path / "data"))
    options = located if "--data" not in arguments else ()
    done = subprocess.run(
        [*ANNALS, *arguments, *options],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("search",),
        ("search", "glass", "-k", "many"),
        ("search", "glass", "-k", "0"),
        ("search", "glass", "lenses"),
        ("replay", "everything"),
        ("replay",),
        ("serach", "glass"),
        ("--colour",),
        ("status", "--colour"),
        ("status", "--config", "/"),
        ("dead-letters", "show", "first"),
        ("dead-letters", "retry"),
        ("export", "-", "--json"),
    ],
    ids=" ".join,
)
def test_a_wrong_argument_is_one_line_that_names_the_help(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    said = refused(tmp_path / "data", *arguments, exit_code=2)
    assert "; see: annals" in said and said.endswith(" --help")
    assert not (tmp_path / "data").exists()


def test_an_empty_data_option_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(group, ["status", "--data", ""])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--data is empty; name a folder" in done.stderr
    assert list(tmp_path.iterdir()) == []
