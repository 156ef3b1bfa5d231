"""Random histories of which somebody may see some documents alone: what he may not see must change nothing for him."""

import random
from dataclasses import dataclass

from aggregates.cause import RefusedError
from tests.projections.history import History
from tests.projections.stories import Story

SEEN = frozenset({"seen", "too"})
"""The collections that may be seen; documents are of `hidden`, of none, or of one of these."""
NAMES = ("Ada", "ADA", "Bob", "Cleo", "Dora", "Harbour", "HARBOUR")
VERBS = ("met", "saw", "knew")


@dataclass(frozen=True)
class Parted:
    """What may be seen and what may not, of one tenant."""

    tenant: str
    seen: tuple[Story, ...]
    hidden: tuple[Story, ...]

    @property
    def stories(self) -> tuple[Story, ...]:
        """All of them."""
        return (*self.seen, *self.hidden)

    @classmethod
    def at_random(cls, seed: int) -> "Parted":
        """The same for the same seed."""
        chance = random.Random(seed)
        tenant = f"tenant{seed}"

        def story(number: int, collection: str | None) -> Story:
            sentences = tuple(
                f"{chance.choice(NAMES)} {chance.choice(VERBS)} {chance.choice(NAMES)}."
                for _ in range(chance.randint(1, 3))
            )
            return Story(f"d{number}", sentences, chance.choice(NAMES), tenant, collection=collection)

        return cls(
            tenant,
            tuple(story(number, chance.choice(("seen", "too"))) for number in range(2)),
            tuple(story(number, chance.choice(("hidden", None))) for number in range(2, 5)),
        )

    async def decide(self, history: History, seed: int) -> None:
        """What people decide, be it of what may be seen or not."""
        chance = random.Random(seed)
        for _ in range(4):
            one, other = chance.sample(("Ada", "Bob", "Cleo", "Dora"), 2)
            try:
                match chance.randrange(4):
                    case 0:
                        await history.rename(one, f"{one} the Great", tenant=self.tenant)
                    case 1:
                        await history.judge(one, valid=chance.random() < 0.5, tenant=self.tenant)
                    case _:
                        await history.merge(one, into=other, tenant=self.tenant)
            except RefusedError:
                continue
