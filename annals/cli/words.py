"""Numbers with their nouns, and times, as people write them."""

from datetime import datetime

SHORT = 160
"""Characters of a text that is only hinted at."""


def counted(number: int, noun: str) -> str:
    """`1 document`, `2 documents`, `3 entities`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun.removesuffix('y')}ies" if noun.endswith("ty") else f"{number} {noun}s"


def said_of(number: int, noun: str, one: str, many: str) -> str:
    """What is said of so many: `1 document goes on`, `2 documents go on`."""
    return f"{counted(number, noun)} {one if number == 1 else many}"


def short(text: str) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= SHORT else line[: SHORT - 3] + "..."


def time_of(value: datetime | str) -> datetime:
    """A time of a database's, or as JSON has it."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
