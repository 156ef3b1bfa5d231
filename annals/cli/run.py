"""`annals run`."""

import click

from annals.cli.context import CommandContext, common
from annals.live_settings import live_settings_of_role
from annals.roles import SERVICE, UP, run_role
from annals.supervision.state import read_state
from contracts.errors import AnnalsError
from services.mesh.operations import SERVICES


@click.command("run")
@click.argument("role", type=click.Choice([*UP, SERVICE]))
@click.argument("service", type=click.Choice(SERVICES), required=False)
@common
def command(context: CommandContext, role: str, service: str | None) -> None:
    """Run one ROLE in the foreground until a signal ends it.

    \b
    relay      publishes the log to Kafka (one is active, others wait)
    intake     takes the inbox topics in
    worker     chunks, entities, relationships, completion; start as many as you like
    projector  keeps the read models
    gateway    serves HTTP
    service    serves one SERVICE to gateways: processing, storage or reasoning; as many as you like

    PostgreSQL and Kafka come from --data when something is up there, else from ANNALS_POSTGRES and ANNALS_BROKER.
    """
    if (role == SERVICE) != (service is not None):
        raise click.UsageError(f"name a service, one of {', '.join(SERVICES)}, with the role service and with no other")
    settings = context.settings
    state = read_state(settings.data)
    addresses = dict(state.addresses) if state is not None else {}
    dsn = settings.postgres.get_secret_value() if settings.postgres else addresses.get("postgres")
    broker = settings.broker or addresses.get("broker")
    if dsn is None or broker is None:
        raise AnnalsError(
            "a role needs PostgreSQL and Kafka: set ANNALS_POSTGRES and ANNALS_BROKER, or start `annals up` first"
        )
    live = live_settings_of_role(settings, context.load, context.file)
    run_role(role, live.present, dsn, broker, live, service)
