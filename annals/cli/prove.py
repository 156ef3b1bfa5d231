"""`annals prove`."""

from uuid import UUID

import click

from annals.cli.context import CommandContext, common, run_async
from annals.session import session
from annals.terminal import visible_json
from services.deadline import Deadline
from services.operations.proofs import PROOF_LIMIT_S, Proof


@click.command("prove")
@click.argument("event_id", type=click.UUID)
@common
def command(context: CommandContext, event_id: UUID) -> None:
    """Print a proof, as JSON, that the event EVENT_ID is in the log that the newest checkpoint was signed for.

    `examples/check_proof.py` checks it with the public key alone. The proof holds the event as it is stored.
    """
    click.echo(visible_json(run_async(lambda: _prove(context, event_id)).described))


async def _prove(context: CommandContext, event_id: UUID) -> Proof:
    async with session(context.settings, read_models=False) as opened:
        return await opened.use_cases.operations.proofs.prove(
            context.caller, event_id, deadline=Deadline.after(PROOF_LIMIT_S)
        )
