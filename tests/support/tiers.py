"""The tiers of tests: which are unit tests, that none of those starts a server, and their parts side by side."""

import os
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
SERVERS = TESTS / "servers"
NOT_UNIT = {
    "postgres_server",
    "small_server",
    "jumping_clock",
    "freezer",
    "broker",
    "up",
    "minilm",
    "float32",
    "analyser",
    "embedder",
    "tiny_encoder",
    "tiny_classifier",
}
"""Fixtures that start a server, or load a model."""
VARIABLE = "UNIT_TEST_RUNS"
PART = "ANNALS_TEST_PART"
"""`1/3`: the second of three parts."""


def is_unit(item: pytest.Item) -> bool:
    """Whether it needs no server, no pipeline and no model: no such fixture, and no mark that says so."""
    if NOT_UNIT & set(getattr(item, "fixturenames", ())) or item.path.is_relative_to(SERVERS):
        return False
    return not any(item.get_closest_marker(mark) for mark in ("pipeline", "long"))


def tell(item: pytest.Item) -> None:
    """Say in the environment whether the test that begins now is a unit test."""
    os.environ.pop(VARIABLE, None)
    if item.get_closest_marker("unit") is not None:
        os.environ[VARIABLE] = item.nodeid


def refuse_in_unit_tests(what: str) -> None:
    """Fail where a unit test starts `what`."""
    test = os.environ.get(VARIABLE)
    assert test is None, f"{test} starts {what}: mark it pytest.mark.pipeline"


def is_of_another_part(path: Path) -> bool:
    """Whether this file is left to another of the processes that run side by side."""
    part, _, parts = os.environ.get(PART, "").partition("/")
    return bool(part) and path in _files() and _files()[path] % int(parts) != int(part)


@cache
def _files() -> dict[Path, int]:
    """Neighbours, which take about as long, are in different parts."""
    return {path: index for index, path in enumerate(sorted(TESTS.rglob("test_*.py")))}
