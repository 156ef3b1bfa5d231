"""Nothing of a document commands a terminal, whichever way it is shown; machines get it exactly."""

import io
import json
import logging
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from hypothesis import given as for_all
from hypothesis import strategies as st

from annals.terminal import VisibleFormatter, visible, visible_json, visible_lines
from tests.annals.conftest import Up
from tests.annals.pipeline import called, given, refused
from tests.annals.processes import until

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NASTY = "Kit\x1b]0;owned\x07 \x1b[2J\x9b31m\u202eEtak\u2066 \x7f Larne"
TEXT = st.text(st.characters() | st.sampled_from(f"\x1b\x9b\x07\r\n\t\x7f{BIDI}\u2028\ud800"))


def unsafe(text: str) -> list[str]:
    """Characters that a terminal would execute or reorder by; lines and tabs are ours."""
    return [c for c in text if (unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\n\t") or c in BIDI]


@for_all(TEXT)
def test_what_is_shown_is_one_line_without_controls(text: str) -> None:
    shown = visible(text)
    assert unsafe(shown) == [] and "\n" not in shown
    assert unsafe(visible_lines(text)) == []
    assert visible_lines(text).count("\n") == text.count("\n")


@for_all(TEXT.filter(lambda text: not unsafe(text) and "\n" not in text))
def test_other_text_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text


@for_all(st.dictionaries(TEXT, TEXT))
def test_json_keeps_everything_and_holds_no_control(value: dict[str, str]) -> None:
    shown = visible_json(value)
    assert json.loads(shown) == value
    assert unsafe(shown) == [] and "\n" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202e", "\\u202e"),
        ("a\r\nb\tc", "a\\r\\nb\tc"),
        ("caf\udce9", "caf\\xe9"),
        ("\U0001f469\u200d\U0001f4bb Žofie", "\U0001f469\u200d\U0001f4bb Žofie"),
    ],
)
def test_controls_are_shown_as_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.fixture
def logged() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(VisibleFormatter("%(levelname)s %(message)s"))
    logger = logging.getLogger(f"test-{uuid4()}")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, stream


def test_log_lines_hold_no_control(logged: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = logged
    logger.warning("refused %s\nWARNING faked", NASTY)
    try:
        raise ValueError(NASTY)
    except ValueError:
        logger.exception("failed")
    said = stream.getvalue()
    assert unsafe(said) == []
    assert said.splitlines()[0].startswith("WARNING refused Kit\\x1b]0;owned\\x07")
    assert "\\nWARNING faked" in said.splitlines()[0]
    assert "Traceback (most recent call last):" in said.splitlines()


@pytest.mark.timeout(300)
def test_a_document_commands_no_terminal(up: Up, tmp_path: Path) -> None:
    text = f"The {NASTY} lamp was lit by Orla Venn in 1890. {NASTY}"
    line = {"id": "nasty", "title": NASTY, "text": text, "attributes": {"by\x1b[1m": NASTY}, "uri": f"x:{NASTY}"}
    taken = called(up.data, "ingest", "-", "--wait", stdin=json.dumps(line).encode())
    assert taken.exit_code == 0, taken.output
    for command, shown in (
        (("show", "nasty"), "Kit\\x1b]0;owned"),
        (("show", "Orla Venn"), ""),
        (("history", "nasty"), "Kit\\"),
        (("search", "the lamp that Orla Venn lit"), "Kit\\x1b]0;owned"),
        (("ask", "Who lit the lamp in 1890?"), "Kit\\x1b]0;owned"),
    ):
        people = called(up.data, *command)
        assert shown in people.stdout, (command, people.output)
        assert unsafe(people.stdout + people.stderr) == [], command
        machines = called(up.data, *command, "--json")
        assert unsafe(machines.stdout + machines.stderr) == [], command
    kept = given(up.data, "show", "nasty")
    assert (kept["title"], kept["attributes"]["by\x1b[1m"]) == (NASTY, NASTY), "machines get it exactly"
    assert unsafe(refused(up.data, "show", f"{NASTY} is not here")) == []


def test_a_dead_letter_commands_no_terminal(up: Up) -> None:
    producer = Producer({"bootstrap.servers": up.pipeline.addresses["broker"]})
    value = json.dumps({"\x9b31m" + NASTY: NASTY}, ensure_ascii=False).encode() + b"\xff\x1b[2J"
    producer.produce(up.pipeline.addresses["inbox_topic"], value, key=NASTY.encode(), headers={"who": NASTY.encode()})
    assert producer.flush(30) == 0

    def letters() -> list[dict[str, str]]:
        found: list[dict[str, str]] = given(up.data, "dead-letters", "list")["dead_letters"]
        return [letter for letter in found if letter["key"] == NASTY]

    assert until(lambda: letters() != [], limit_s=60)
    for command in (("list",), ("show", str(letters()[0]["id"]))):
        for mode in ((), ("--json",)):
            done = called(up.data, "dead-letters", *command, *mode)
            assert done.exit_code == 0
            assert unsafe(done.stdout + done.stderr) == [], (command, mode)
