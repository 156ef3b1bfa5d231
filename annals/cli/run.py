"""`annals run`."""

import click

from annals.cli.context import CommandContext, common
from annals.roles import UP, run_role
from annals.supervision.state import read_state
from contracts.errors import AnnalsError


@click.command("run", short_help="Run one role, for production.")
@click.argument("role", type=click.Choice(UP))
@common
def command(context: CommandContext, role: str) -> None:
    """Run one ROLE in the foreground until a signal ends it.

    \b
    relay      publishes the log to Kafka (one is active, others wait)
    intake     takes the inbox topics in
    worker     chunks, entities, relationships, completion; start as many as you like
    projector  keeps the read models
    gateway    serves HTTP

    PostgreSQL and Kafka come from --data when something is up there, else from ANNALS_POSTGRES and ANNALS_BROKER.
    """
    settings = context.settings
    state = read_state(settings.data)
    addresses = dict(state.addresses) if state is not None else {}
    dsn = settings.postgres.get_secret_value() if settings.postgres else addresses.get("postgres")
    broker = settings.broker or addresses.get("broker")
    if dsn is None or broker is None:
        raise AnnalsError(
            "a role needs PostgreSQL and Kafka: set ANNALS_POSTGRES and ANNALS_BROKER, or start `annals up` first"
        )
    run_role(role, settings, dsn, broker)
