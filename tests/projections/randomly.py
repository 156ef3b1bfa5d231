"""Histories that nobody thought of: random decisions on a few documents and entities."""

import random

from aggregates.cause import RefusedError
from tests.projections.history import History
from tests.projections.stories import Story

PEOPLE = ("Ada", "Bob", "Cleo", "Dora")
STORIES = (
    Story("harbour", ("Ada met Bob.", "Bob saw Cleo.", "Cleo sang."), title="Harbour"),
    Story("harbour", ("Ada met Bob.", "Dora left.", "Dora met Ada."), title="Harbour"),
    Story("market", ("Dora met Ada.", "Bob paid."), title="Market"),
    Story("market", ("Nobody came.",), title="Market day", dimension=384),
    Story("empty", ("...",), title=""),
    Story("harbour", ("Ada met Bob.", "Bob slept."), title="Cellar", tenant="other"),
)


async def live_randomly(history: History, chance: random.Random, steps: int) -> None:
    """So many things happen, or are refused by the aggregates, as they would be in life."""
    for _ in range(steps):
        try:
            await _happen(history, chance)
        except RefusedError:
            continue


async def _happen(history: History, chance: random.Random) -> None:
    story = chance.choice(STORIES)
    relations = [relation.relation_id for relation in story.related.relations] or ["none"]
    name, other = chance.sample(PEOPLE, 2)
    match chance.randrange(14):
        case 0 | 1 | 2:
            await history.tell(story)
        case 3:
            await history.ingest(story)
        case 4:
            await history.delete(story)
        case 5 if len(story.sentences) > 1:
            await history.merge_chunks(story, 0, 1)
        case 6:
            await history.judge_relation(story, chance.choice(relations), valid=chance.random() < 0.5)
        case 7:
            await history.amend_relation(story, chance.choice(relations), chance.choice(["knew", "married"]))
        case 8:
            await history.rename(name, f"{name} of {other}", tenant=story.tenant)
        case 9:
            await history.merge(name, into=other, tenant=story.tenant)
        case 10:
            await history.judge(name, valid=chance.random() < 0.5, tenant=story.tenant)
        case 11 if len(story.sentences) > 1:
            await history.restore_chunks(story, 0, 1)
        case 12:
            await history.undo_relation(story, chance.choice(relations))
        case _:
            await history.ask(f"q{chance.randrange(3)}", tenant=story.tenant)
