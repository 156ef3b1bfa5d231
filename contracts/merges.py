"""What became of entities that were merged. Pure."""

from collections.abc import Mapping


def ends(merges: Mapping[str, str]) -> dict[str, str]:
    """For each entity the one at the end of its merges, in time that grows with the number of merges.

    Nobody can decide on a circle; should a log hold one, it ends at the first of its ids.
    """
    found: dict[str, str] = {}
    for start in merges:
        way: dict[str, None] = {}
        one = start
        while one in merges and one not in found and one not in way:
            way[one] = None
            one = merges[one]
        if one in way:
            steps = list(way)
            one = min(steps[steps.index(one) :])
        end = found.get(one, one)
        found.update(dict.fromkeys(way, end))
    return {old: into for old, into in found.items() if old != into}
