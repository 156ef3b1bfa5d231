"""Whether a text names somebody: the words of a name, whatever stands between them, in either case."""

import re
from collections.abc import Collection

from contracts.ids import fold_letters, normalise_name
from contracts.scripts import UNSPACED

_UNSPACED = re.compile(f"[{UNSPACED}]")
_BETWEEN = r"[\W_]+"


class NamePattern:
    """Finds names of several words also over the end of a line, and with the `s` of a genitive behind them.

    Where words have no spaces a name is found within any run of letters. Another form of a name is another name.
    """

    def __init__(self, names: Collection[str]) -> None:
        self.names = sorted({folded for name in names if (folded := normalise_name(name))})
        self._first = [name.split()[0] for name in self.names]
        found = "|".join(_pattern(name) for name in sorted(self.names, key=len, reverse=True))
        self._found = re.compile(found) if found else None

    def count(self, text: str) -> int:
        """How often one of the names stands in it."""
        if self._found is None:
            return 0
        folded = fold_letters(text)
        if not any(first in folded for first in self._first):
            return 0
        return sum(1 for _ in self._found.finditer(folded))


def _pattern(name: str) -> str:
    words = _BETWEEN.join(re.escape(word) for word in name.split())
    before = "" if _UNSPACED.match(name[0]) else r"(?<![^\W_])"
    behind = "" if _UNSPACED.match(name[-1]) else r"s?(?![^\W_])"
    return f"{before}{words}{behind}"
