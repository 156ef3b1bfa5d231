"""Which command emits each event type, and what shows it: made into docs/events.md.

`python -m annals.event_commands write` makes the page, `check` compares.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.event_types import EventType
from contracts.registry import PAYLOADS
from contracts.undoing import UNDONE_BY

FILE = Path(__file__).resolve().parent.parent / "docs" / "events.md"


@dataclass(frozen=True, slots=True)
class Emitted:
    """By these commands. `shown`: by what is read, and in which read model (`log` where it is read from the log)."""

    commands: tuple[str, ...]
    read_models: tuple[str, ...]
    shown: str


EMITTED: dict[EventType, Emitted] = {
    EventType.DOCUMENT_INGESTED: Emitted(
        ("annals ingest",), ("relational",), "`annals list`, `annals show`: the document is there"
    ),
    EventType.DOCUMENT_CHUNKED: Emitted(
        ("annals ingest",),
        ("relational", "graph", "vector"),
        "`annals chunk list`; `annals search` finds its passages by words and by meaning",
    ),
    EventType.ENTITIES_EXTRACTED: Emitted(
        ("annals ingest",), ("relational", "graph"), "`annals show`: its entities; the graph has their mentions"
    ),
    EventType.ENTITY_ASSIGNED: Emitted(
        ("annals ingest",),
        ("relational", "graph"),
        "`annals entity list`: one entity for several names that mean the same (`docs/identity.md`)",
    ),
    EventType.ENTITY_RELEASED: Emitted(
        ("annals ingest", "annals delete"), ("relational", "graph"), "`annals entity list`: an entity of its own again"
    ),
    EventType.RELATIONSHIPS_DISCOVERED: Emitted(
        ("annals ingest",), ("relational", "graph"), "`annals relation list`; edges of the graph"
    ),
    EventType.DOCUMENT_REREAD: Emitted(
        ("annals models set", "annals models preview"),
        ("relational", "graph"),
        "`annals show`, once its models serve: what they found, in place of what was found before",
    ),
    EventType.DOCUMENT_PROCESSED: Emitted(("annals ingest",), ("relational",), "`annals list`: it is `processed`"),
    EventType.DOCUMENT_UPDATED: Emitted(
        ("annals ingest",), ("relational", "graph", "vector"), "`annals show`: what it holds now, and nothing of before"
    ),
    EventType.DOCUMENT_DELETED: Emitted(
        ("annals delete",), ("relational", "graph", "vector"), "gone from lists, searches, graph and answers"
    ),
    EventType.DOCUMENT_RESTORED: Emitted(
        ("annals undo",),
        ("relational", "graph", "vector"),
        "`annals show`: what it held before the deletion or update; `annals history`: what undid what",
    ),
    EventType.ENTITY_UPDATED: Emitted(
        ("annals entity rename", "annals entity alias"),
        ("relational", "graph"),
        "`annals entity show`: its name, type and aliases; found by them in searches, questions and the graph",
    ),
    EventType.ENTITY_MERGED: Emitted(
        ("annals entity merge",), ("relational", "graph"), "`annals entity list`: one entity with the mentions of both"
    ),
    EventType.ENTITY_VALIDATED: Emitted(
        ("annals entity validate", "annals entity reject"),
        ("relational", "graph"),
        "`annals entity list`: whether it is one; what is none is not counted, and no walk goes over it",
    ),
    EventType.ENTITY_SPLIT: Emitted(
        ("annals entity split",), ("relational", "graph"), "`annals entity list`: two entities"
    ),
    EventType.MENTIONS_REASSIGNED: Emitted(
        ("annals entity split", "annals entity undo", "annals ingest"),
        ("relational", "graph"),
        "`annals show`: whom the document speaks of",
    ),
    EventType.ENTITY_DECISION_UNDONE: Emitted(
        ("annals entity undo", "annals undo"),
        ("relational", "graph"),
        "`annals entity show`: as it was before the decision",
    ),
    EventType.RELATIONSHIP_UPDATED: Emitted(
        ("annals relation correct", "annals relation undo", "annals undo"),
        ("relational", "graph"),
        "`annals relation show`: the predicate that was given; the edge is called so",
    ),
    EventType.RELATIONSHIP_VALIDATED: Emitted(
        ("annals relation validate", "annals relation reject", "annals relation undo", "annals undo"),
        ("relational", "graph"),
        "`annals relation show`: right or wrong; a wrong one is no edge and is not counted",
    ),
    EventType.CHUNK_UPDATED: Emitted(
        ("annals chunk update",),
        ("relational", "graph", "vector"),
        "`annals chunk list`; `annals search` finds the new one",
    ),
    EventType.CHUNK_MERGED: Emitted(
        ("annals chunk merge",),
        ("relational", "graph", "vector"),
        "`annals chunk list`; `annals search` finds the new one",
    ),
    EventType.CHUNKS_RESTORED: Emitted(
        ("annals chunk undo", "annals undo"),
        ("relational", "graph", "vector"),
        "`annals chunk list`: the chunks of before",
    ),
    EventType.REASONING_QUERY_EXECUTED: Emitted(
        ("annals ask",), ("relational",), "the view `questions` (`docs/read-models.md`); `annals history QUESTION_ID`"
    ),
    EventType.REASONING_RESULT_CACHED: Emitted(
        ("annals ask",), ("answers",), "asked the same again, the answer comes from the cache (`cached`)"
    ),
    EventType.REASONING_CHAIN_VALIDATED: Emitted(
        ("annals chain validate", "annals chain reject", "annals chain undo", "annals undo"),
        ("relational",),
        "`annals ask`: an answer with a wrong chain is not given from the cache again, and says so",
    ),
    EventType.MODEL_LOADED: Emitted(("annals up", "annals run"), ("log",), "`annals models list`"),
    EventType.MODEL_UPDATED: Emitted(
        ("annals models set", "annals replay", "annals up", "annals run"),
        ("log",),
        "`annals models list`: the model that serves now",
    ),
    EventType.CACHE_CLEARED: Emitted(
        ("annals cache clear",), ("log",), "`annals models list`: nothing is kept of the revision"
    ),
    EventType.SYSTEM_HEALTH_CHANGED: Emitted(
        ("annals up",),
        ("log",),
        "`annals history service/NAME`, where services are processes of their own and one of them fails or comes back",
    ),
}
"""Of the specification (2.1), and those beside it that rules and people's decisions on the same need."""

HEAD = """# Events, and what emits and shows them

Every event type of the specification (2.1) has a command that emits it and something that shows it. Types beside them
are of what rules decide (`EntityAssigned`, `EntityReleased`), of splits, and of what is undone (below). The fields of
each are in `docs/schemas/`; events of users, roles, threats and webhooks are in `docs/security.md` and
`docs/webhooks.md`. Made by `python -m annals.event_commands write`; `tests/annals/event_types_contract.py` emits each
of the specification's and sees it there, in both profiles.

| event type | what happened | emitted by | read model | shown by |
|---|---|---|---|---|
"""


UNDOING = """
## What can be undone

`annals undo EVENT_ID --reason TEXT` has things as they were before an event, by a new one, which it causes and which
has the reason; `annals history` gives the ids, and says what undid what. What was done to the same thing since has to
be undone first, and is named. A document gets its text back as it was, is processed again by what is kept of its
models, and what people had corrected in it holds again; the bytes of its file (`--keep-original`) are gone with a
deletion. What was erased is not brought back. An undoing is not undone: make the change again.

| event type | undone by |
|---|---|
"""


def text() -> str:
    """The page of this code."""
    emitted = "".join(_row(event_type, one) for event_type, one in EMITTED.items())
    return HEAD + emitted + UNDOING + "".join(f"| `{one}` | `{by}` |\n" for one, by in UNDONE_BY.items())


def _row(event_type: EventType, one: Emitted) -> str:
    happened = " ".join((PAYLOADS[event_type].__doc__ or "").split("\n\n")[0].split()).removesuffix(".")
    commands = ", ".join(f"`{command}`" for command in one.commands)
    return f"| `{event_type}` | {happened} | {commands} | {', '.join(one.read_models)} | {one.shown} |\n"


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 where the page is not current."""
    if list(arguments) == ["write"]:
        FILE.write_text(text(), encoding="utf-8")
        return 0
    if list(arguments) == ["check"]:
        if FILE.is_file() and FILE.read_text("utf-8") == text():
            return 0
        print("docs/events.md is not current; run: python -m annals.event_commands write", file=sys.stderr)
        return 1
    print("usage: python -m annals.event_commands write|check", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
