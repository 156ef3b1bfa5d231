"""`annals erase`."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from annals.cli.context import CommandContext, run_async, served
from annals.cli.words import counted, short
from annals.terminal import visible


@click.command("erase")
@click.argument("names", nargs=-1, required=True)
@click.option("--reason", help="Why, kept in the audit log.")
@click.option("--dry-run", is_flag=True, help="Show what names the subject, and erase nothing.")
@click.option("--yes", is_flag=True, help="Erase all that is shown without being asked again.")
@served
def command(context: CommandContext, names: tuple[str, ...], reason: str | None, dry_run: bool, yes: bool) -> None:
    """Erase the subject that goes by these NAMES (or ids of entities): every document that names it is erased as a
    whole, with all its versions, also where it was deleted before, and so is every question that names it or rests on
    such a document.

    What would go is shown first. Nothing undoes it. A gateway goes on with it by itself, also where this command is
    broken off, or the gateway restarted; without one it is given again, and goes on.
    """
    if not dry_run and (reason is None or not reason.strip()):
        raise click.UsageError(
            "--reason is missing: say why the subject is erased (or see with --dry-run what names it)"
        )
    if not run_async(lambda: _erase(context, names, reason or "", dry_run=dry_run, yes=yes)):
        sys.exit(1)


async def _erase(context: CommandContext, names: Sequence[str], reason: str, *, dry_run: bool, yes: bool) -> bool:
    found = await _find(context, names)
    _show(context, found)
    nothing = not (found["documents"] or found["questions"] or found["entities"])
    if nothing:
        context.note(f"nothing names {', '.join(names)}")
    if dry_run:
        context.give(found)
        return not nothing
    if not nothing and not yes and not _agreed(found):
        context.note("nothing was erased; --yes erases what is shown")
        return False
    # An erasure that was broken off goes on, though nothing names the subject any more.
    done = await _erased(context, names, [one["document_id"] for one in found["documents"]], reason)
    for document_id in done["documents"]:
        context.say(f"erased {document_id}")
    context.say(
        f"erased {counted(len(done['documents']), 'document')}, {counted(done['questions'], 'question')} and "
        f"{counted(done['entities'], 'entity')} that nothing else names"
    )
    if done["left"]:
        context.note(f"since the list was made others name the subject: {', '.join(done['left'])}; give it again")
    if done["in_the_clear"]:
        context.note(
            f"{done['in_the_clear']} of their events were recorded before events were sealed, and stay in the log as "
            "they are (see docs/erasure.md)"
        )
    context.give(done)
    return not (nothing or done["left"] or done["in_the_clear"])


def _show(context: CommandContext, found: dict[str, Any]) -> None:
    documents = found["documents"]
    if documents:
        context.show(
            ("document", "title", "mentions", "in texts", ""),
            (
                (
                    one["document_id"],
                    short(one["title"]),
                    str(one["mentions"]),
                    str(one["texts"]),
                    ", ".join([*["described"] * one["described"], *["deleted"] * one["deleted"]]),
                )
                for one in documents
            ),
        )
    if found["names"]:
        context.say(f"called {', '.join(found['names'])}")
    context.say(
        f"{counted(len(documents), 'document')}, {counted(len(found['questions']), 'question')} and "
        f"{counted(len(found['entities']), 'entity')}"
    )


def _agreed(found: dict[str, Any]) -> bool:
    """Whoever is at a terminal is asked; nobody else agrees."""
    if not sys.stdin.isatty():
        return False
    what = f"{counted(len(found['documents']), 'document')} and {counted(len(found['questions']), 'question')}"
    return click.confirm(visible(f"Erase {what} for good?"), err=True)


async def _find(context: CommandContext, names: Sequence[str]) -> dict[str, Any]:
    address = context.gateway()
    if address is None:
        from annals.cli.here import subjects as here

        return await here.find(context, names)
    from client import subjects as there
    from client.gateway import open_gateway

    async with open_gateway(address) as gateway:
        return await there.find(gateway, names)


async def _erased(context: CommandContext, names: Sequence[str], documents: Sequence[str], reason: str) -> Any:
    address = context.gateway()
    with context.progress("erasing", len(documents), "documents") as report:
        if address is None:
            from annals.cli.here import subjects as here

            return await here.erase(context, names, documents, reason, report)
        from client import subjects as there
        from client.gateway import open_gateway

        async with open_gateway(address) as gateway:
            return await there.erase(gateway, names, documents, reason, report)
