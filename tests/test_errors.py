"""Every error of ours: one tree, a message for each, and a next step in it."""

import ast
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

from contracts.errors import AnnalsError, default_message

ROOMS = (
    "contracts",
    "security",
    "aggregates",
    "eventstore",
    "inference",
    "projections",
    "reasoning",
    "services",
    "security",
    "client",
    "gateway",
    "streams",
    "annals",
)
ROOT = Path(__file__).resolve().parent.parent


def errors() -> list[type[AnnalsError]]:
    """Every class below AnnalsError, from all modules of all rooms."""
    for room in ROOMS:
        for module in pkgutil.walk_packages([str(ROOT / room)], f"{room}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    found: list[type[AnnalsError]] = []
    waiting = [AnnalsError]
    while waiting:
        error = waiting.pop()
        waiting.extend(error.__subclasses__())
        if error is not AnnalsError and error.__module__.split(".")[0] in ROOMS:
            found.append(error)
    return sorted(set(found), key=lambda error: error.__qualname__)


ERRORS = errors()


def test_there_are_errors_of_every_room_that_can_fail() -> None:
    rooms = {error.__module__.split(".")[0] for error in ERRORS}
    assert rooms >= {"contracts", "aggregates", "eventstore", "inference", "projections", "services", "annals"}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__qualname__)
def test_each_has_a_message_with_a_next_step(error: type[AnnalsError]) -> None:
    assert error.__name__.endswith("Error")
    message = default_message(error)
    assert message and message[0].isupper() and message.endswith(".")
    assert "; " in message, "what was wrong; what to do next"
    assert "\n" not in message and len(message) < 250


@pytest.mark.parametrize(
    "error",
    [error for error in ERRORS if error.__init__ is AnnalsError.__init__],
    ids=lambda error: error.__qualname__,
)
def test_without_words_the_docstring_is_the_message(error: type[AnnalsError]) -> None:
    assert str(error()) == " ".join(inspect.cleandoc(error.__doc__ or "").split("\n\n")[0].split())
    assert str(error("the disk is full; make room")) == "the disk is full; make room"


def test_no_other_exception_class_is_ours() -> None:
    """An edge shows AnnalsError as one line: whatever else there is would be shown as a defect."""
    others = []
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef):
                    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                    if bases & {"Exception", "BaseException", "ValueError", "OSError", "RuntimeError", "LookupError"}:
                        others.append(f"{file.relative_to(ROOT)}: {node.name}")
    assert others == ["contracts/errors.py: AnnalsError"]
