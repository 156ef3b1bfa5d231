"""Every use case asks whether its caller may, before it does anything else."""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import services
from security.audit import AuditEntry
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError
from tests.support.access import allowed

NO_USE_CASES = {
    "services.positions": "spells a position for the caller; whoever has it can do no more",
    "services.mesh": "hands the caller on; the service that is called asks",
    "services.security.auditing": "writes down how it ended",
    "services.security.local_administrator": "calls the use cases of accounts and keys",
}


class Log:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def record(self, entry: AuditEntry) -> None:
        self.entries.append(entry)


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(services.__path__, "services."):
        if not found.name.startswith(tuple(NO_USE_CASES)):
            yield importlib.import_module(found.name)


def use_cases() -> dict[str, tuple[type, str]]:
    """Public methods of classes of the service layer that take a caller."""
    return {
        f"{module.__name__.removeprefix('services.')}.{name}.{method}": (owner, method)
        for module in modules()
        for name, owner in vars(module).items()
        if inspect.isclass(owner) and owner.__module__ == module.__name__ and not getattr(owner, "_is_protocol", False)
        for method, function in vars(owner).items()
        if not method.startswith("_") and inspect.isfunction(function)
        if "caller" in inspect.signature(function).parameters
    }


def test_the_walk_finds_them() -> None:
    found = use_cases()
    assert len(found) > 60
    for name in ("reasoning.ask.AskService.ask", "storage.show.Show.show", "security.policies.PolicyService.change"):
        assert name in found


@pytest.mark.parametrize(("owner", "method"), use_cases().values(), ids=use_cases())
async def test_who_may_nothing_is_denied_before_anything_is_touched(owner: type, method: str) -> None:
    """The instance has nothing but an audit log, so a use case that did anything first would fail otherwise."""
    bare: Any = object.__new__(owner)
    for name in ("_log", "_audit"):
        object.__setattr__(bare, name, Log())
    function: Callable[..., Any] = getattr(bare, method)
    given = {
        name: "x" if parameter.annotation is str else _argument(name)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is inspect.Parameter.empty
    }
    with pytest.raises(AccessDeniedError, match="eve may not"):
        await _called(function(**given))


def _argument(name: str) -> Any:
    if name == "caller":
        return Caller("ours", "eve", "test", allowed())
    return Deadline.after(5) if name == "deadline" else _Anything()


class _Anything:
    """What a request might be: empty wherever it is looked into."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return {} if name in ("attributes", "roles") else "x"

    def __iter__(self) -> Iterator[Any]:
        return iter(())


async def _called(result: Awaitable[Any] | Any) -> None:
    if inspect.isasyncgen(result):
        await anext(result)
    elif inspect.isawaitable(result):
        await result
