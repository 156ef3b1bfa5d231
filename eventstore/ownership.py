"""A server belongs to one log: the first that uses it leaves its id there, and no other log may come in.

Two logs on one server would overwrite, or be given, what is the other's, and neither would notice.
"""

from collections.abc import Iterable

from eventstore.errors import ForeignServerError


def check_owner(
    server: str,
    owners: Iterable[str | None],
    log: str,
    *,
    holds: str,
    cure: str,
    error: type[ForeignServerError] = ForeignServerError,
) -> None:
    """`owners`: the ids that were left there; None is nobody's. `holds` and `cure` say what is there and what to do.

    Raises `error` where one is not this log's.
    """
    for owner in owners:
        if owner not in {None, log}:
            raise error(
                f"{server} holds {holds} of another log ({owner}; this one is {log}); give this installation a "
                f"{server} of its own, or {cure} (docs/operations.md)"
            )
