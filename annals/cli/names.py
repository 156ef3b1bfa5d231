"""From what a person writes to the ids that it may mean."""

import os
from pathlib import Path


def names_of(given: str) -> list[str]:
    """The id as given, and where it is a relative path, the absolute one that names the document.

    `~nobody` is no home folder, and links that lead in a circle lead nowhere: both are ids like any other.
    """
    expanded = os.path.expanduser(given)
    return list(dict.fromkeys((given, str(Path(expanded).absolute()), os.path.realpath(expanded))))
