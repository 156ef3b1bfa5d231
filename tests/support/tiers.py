"""The tiers of tests: which are unit tests, and that none of those starts a server."""

import os
from pathlib import Path

import pytest

SERVERS = Path(__file__).parent.parent / "servers"
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
