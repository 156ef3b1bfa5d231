"""What a credential was narrowed to, as `documents:read`, `documents:*` or `*:read`."""

from collections.abc import Iterable
from typing import get_args

from contracts.access import Action, Resource
from contracts.errors import AnnalsError

RESOURCES: tuple[str, ...] = get_args(Resource)
ACTIONS: tuple[str, ...] = get_args(Action)
ANY = "*"


class WrongScopeError(AnnalsError):
    """A scope is a resource and an action, as documents:read, documents:* or *:read; correct it."""


def checked_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes in order, each once. Raises WrongScopeError for one that could never match."""
    for scope in scopes:
        resource, _, action = scope.partition(":")
        if resource not in (*RESOURCES, ANY) or action not in (*ACTIONS, ANY):
            raise WrongScopeError(
                f"{scope!r} is no scope; write RESOURCE:ACTION of {', '.join(RESOURCES)} and {', '.join(ACTIONS)}, or *"
            )
    return tuple(sorted(set(scopes)))


def in_scope(scopes: Iterable[str] | None, resource: str, action: str) -> bool:
    """Whether a credential may be used for this at all; one without scopes (None) was not narrowed."""
    return scopes is None or any(_matches(scope, resource, action) for scope in scopes)


def _matches(scope: str, resource: str, action: str) -> bool:
    of, _, what = scope.partition(":")
    return of in (resource, ANY) and what in (action, ANY)
