"""Use cases whose calls go into the audit log, whichever edge they come from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any, TypeVar, cast

from security.audit import AuditLog, Category
from services.security.auditing import audited

T = TypeVar("T")

Objects = Callable[[Mapping[str, Any], Any], Sequence[str]]
"""Ids of what a call is about, from its arguments by name and its result, None where it has none."""


def _of_none(_: Mapping[str, Any], __: Any) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """How the calls of a method are recorded. The method has a `caller`."""

    category: Category
    action: str
    resource: str
    objects: Objects = _of_none


def recording(use_case: T, log: AuditLog, **methods: Recorded) -> T:
    """The use case; each call of these methods is recorded, however it ends, before its result is there."""
    return cast(T, _Recording(use_case, log, methods))


class _Recording:
    def __init__(self, use_case: object, log: AuditLog, methods: Mapping[str, Recorded]) -> None:
        self._use_case, self._log, self._methods = use_case, log, methods

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._use_case, name)
        how = self._methods.get(name)
        return found if how is None else partial(_call, found, self._log, how)


async def _call(method: Callable[..., Any], log: AuditLog, how: Recorded, *given: Any, **named: Any) -> Any:
    arguments = signature(method).bind(*given, **named).arguments
    about = how.objects(arguments, None)
    async with audited(log, arguments["caller"], how.category, how.action, how.resource, *about) as objects:
        result = await method(*given, **named)
        objects[:] = how.objects(arguments, result) or [""]
        return result
