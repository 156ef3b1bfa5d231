"""A consumer that stands still because too many of its messages became dead letters."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PausedConsumer:
    """`dead_letters` of its last `messages` were set aside, the last one because of `cause`."""

    consumer: str
    dead_letters: int
    messages: int
    cause: str
    since: datetime | None = None

    def __str__(self) -> str:
        return (
            f"{self.consumer} is paused: {self.dead_letters} of its last {self.messages} messages became dead letters, "
            f"the last because of: {self.cause}. Mend the cause and start it again, or let it go on: "
            f"annals dead-letters resume {self.consumer}"
        )
