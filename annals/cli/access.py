"""`annals access`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, BinaryIO
from uuid import uuid4

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from annals.cli.context import CommandContext, common, run_async
from annals.cli.paging import LIMIT_S
from annals.cli.words import counted
from annals.errors import UnreadablePolicyError
from annals.session import session
from contracts.access import Permission, Role
from contracts.codec import plain
from contracts.payload import Items
from services.deadline import Deadline
from services.security.explaining import AccessRequest, Explanation
from services.security.policies import PolicyView

MAX_FILE_BYTES = 16 * 1024 * 1024


class PolicyFile(BaseModel):
    """What `show` writes and `set` reads; `version` is that of the policy that it was made from."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=0)] | None = None
    roles: Items[Role]


@click.group("access")
def command() -> None:
    """Roles of the tenant, and what they allow; docs/security.md explains them."""


@command.command("explain")
@click.argument("user")
@click.argument("resource")
@click.argument("action")
@click.option("--collection", help="Of a document in this collection; '' for one in none.")
@click.option("--scope", "scopes", multiple=True, help="With a credential of this scope, as documents:read.")
@click.option("--address", help="From this address.")
@click.option("--at", type=click.DateTime(), help="At this time (UTC).  [default: now]")
@common
def explain(
    context: CommandContext,
    user: str,
    resource: str,
    action: str,
    collection: str | None,
    scopes: Sequence[str],
    address: str | None,
    at: datetime | None,
) -> None:
    """Whether USER may do ACTION to RESOURCE, by which permission, with which constraints; exit code 1 where not."""
    request = AccessRequest(user, resource, action, collection, scopes or None, address)
    now = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    if not run_async(lambda: _explain(context, request, now)):
        raise click.exceptions.Exit(1)


@command.command("roles")
@common
def roles(context: CommandContext) -> None:
    """Every role there is, built in and the tenant's own, with its permissions."""
    view = run_async(lambda: _view(context))
    rows = [
        (role.name, kind, ", ".join(role.inherits), "\n".join(map(_told, role.permissions)))
        for kind, several in (("built in", view.built_in), ("own", view.own))
        for role in several
    ]
    context.show(("role", "", "inherits", "permissions"), rows)
    context.give({kind: [role.model_dump() for role in getattr(view, kind)] for kind in ("built_in", "own")})


@command.command("show")
@common
def show(context: CommandContext) -> None:
    """The tenant's own roles as JSON, for `annals access set`."""
    view = run_async(lambda: _view(context))
    if not context.json:
        for line in json.dumps(_file(view), indent=2, ensure_ascii=False).splitlines():
            context.say(line)
    context.give(_file(view))


@command.command("set")
@click.argument("file", type=click.File("rb"))
@click.option("--reason", help="Why, for the log.")
@common
def set_(context: CommandContext, file: BinaryIO, reason: str | None) -> None:
    """Have the roles in FILE (- is standard input) be the tenant's own ones, in force at the next request.

    The file is JSON as `annals access show` writes it. With its `version`, a change that somebody made meanwhile
    is not overwritten.
    """
    view = run_async(lambda: _set(context, _read(file), reason))
    context.say(f"{counted(len(view.own), 'role')} of the tenant's own, policy version {view.version}")
    context.give(_file(view))


def _read(file: BinaryIO) -> PolicyFile:
    """Raises UnreadablePolicyError."""
    try:
        return PolicyFile.model_validate_json(file.read(MAX_FILE_BYTES))
    except ValidationError as error:
        raise UnreadablePolicyError(f"{file.name} is no policy: {plain(error)}") from None


async def _view(context: CommandContext) -> PolicyView:
    async with session(context.settings, read_models=False) as opened:
        policies = opened.use_cases.security.policies
        return await policies.show(context.caller, deadline=Deadline.after(LIMIT_S))


async def _set(context: CommandContext, wanted: PolicyFile, reason: str | None) -> PolicyView:
    async with session(context.settings, read_models=False) as opened:
        return await opened.use_cases.security.policies.change(
            context.caller,
            wanted.roles,
            expected_version=wanted.version,
            reason=reason,
            correlation_id=f"access-{uuid4()}",
            deadline=Deadline.after(LIMIT_S),
        )


async def _explain(context: CommandContext, request: AccessRequest, now: datetime) -> bool:
    async with session(context.settings, read_models=False) as opened:
        found = await opened.use_cases.security.access_explainer.explain(
            context.caller, request, now=now, deadline=Deadline.after(LIMIT_S)
        )
    _tell(context, request, found)
    return found.active and found.decision.allowed


def _tell(context: CommandContext, request: AccessRequest, found: Explanation) -> None:
    decision = found.decision
    verb = "may" if found.active and decision.allowed else "may not"
    context.say(f"{found.user} {verb} {request.action} {request.resource}")
    lines = (
        ("because", "the account is disabled" if not found.active else decision.reason),
        ("by", decision.matching_permission or ""),
        ("within", "; ".join(decision.applied_constraints)),
        ("without", ", ".join(sorted(decision.masked_fields))),
        ("roles", ", ".join(found.roles) or "none"),
        ("unknown roles", ", ".join(found.unknown_roles)),
        ("policy", f"version {found.policy_version}"),
    )
    for name, value in lines:
        if value:
            context.say(f"  {name}: {value}")
    context.give(
        {
            "user": found.user,
            "resource": request.resource,
            "action": request.action,
            "allowed": found.active and decision.allowed,
            "active": found.active,
            "reason": decision.reason,
            "matching_permission": decision.matching_permission,
            "applied_constraints": decision.applied_constraints,
            "masked_fields": sorted(decision.masked_fields),
            "roles": found.roles,
            "unknown_roles": found.unknown_roles,
            "policy_version": found.policy_version,
        }
    )


def _file(view: PolicyView) -> dict[str, object]:
    return PolicyFile(version=view.version, roles=view.own).model_dump(mode="json")


def _told(permission: Permission) -> str:
    constrained = permission.model_dump(exclude={"resource", "action"}, exclude_defaults=True)
    names = ", ".join(sorted(name.replace("_", " ") for name in constrained))
    return f"{permission.resource}:{permission.action}" + (f" ({names})" if names else "")
