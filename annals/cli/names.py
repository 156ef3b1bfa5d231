"""From what a person writes to the ids that it may mean."""

from pathlib import Path


def names_of(given: str) -> list[str]:
    """The id as given, and where it is a relative path, the absolute one that names the document."""
    path = Path(given).expanduser()
    return list(dict.fromkeys((given, str(path.absolute()), str(path.resolve()))))
