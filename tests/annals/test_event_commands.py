"""docs/events.md: every event type of the specification, the command that emits it, and what shows it."""

import re

import click
import pytest

from annals.cli import group
from annals.event_commands import EMITTED, FILE, text
from contracts.event_types import ACCESS_KINDS, KIND_OF, EventType
from projections.graph.model import GraphModel
from projections.relational.model import RelationalModel
from projections.vector.model import VectorModel

MODELS = {model.name: model for model in (RelationalModel, GraphModel, VectorModel)}
BESIDE = {"log", "answers"}
"""What is no projection: the log itself, and the cache of answers."""


def command_of(name: str) -> click.Command:
    """By its words."""
    command: click.Command | None = group
    for word in name.split()[1:]:
        assert isinstance(command, click.Group), name
        command = command.get_command(click.Context(command), word)
        assert command is not None, name
    assert isinstance(command, click.Command)
    return command


def test_the_page_is_what_the_code_says() -> None:
    assert FILE.read_text("utf-8") == text(), "run: python -m annals.event_commands write"


def test_every_event_type_has_a_row() -> None:
    """Those of the log's own contents; accounts, threats and webhooks have pages of their own."""
    known = {one for one in EventType if KIND_OF[one] not in ACCESS_KINDS}
    assert set(EMITTED) == known


@pytest.mark.parametrize("event_type", EMITTED)
def test_a_row_names_commands_that_are_there_and_read_models_that_follow(event_type: EventType) -> None:
    one = EMITTED[event_type]
    for name in one.commands:
        command_of(name)
    for name in re.findall(r"`(annals [a-z -]+[a-z])[` ]", one.shown):
        command_of(name)
    assert one.read_models
    for model in one.read_models:
        assert model in BESIDE or event_type in MODELS[model].event_types, model
