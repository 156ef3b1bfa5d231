"""The base of every error that Annals raises on purpose.

    AnnalsError
    ├── MalformedEventError           bytes that are no event                  contracts
    ├── RefusedError                  an aggregate does not allow a command    aggregates
    ├── StoreUnavailableError         a database or broker does not answer     eventstore
    ├── ConflictError, ...            the log                                  eventstore
    ├── UnfoldableEventError, ...     read models                              projections
    ├── InferenceError                models and what they are fetched from    inference
    └── NotFoundError, ...            what a person asked for                  services, annals

An edge (command line, HTTP, agents) shows `str(error)` as one plain line; anything else that is raised is a defect.
"""

import inspect


class AnnalsError(Exception):
    """Annals cannot do this."""

    def __init__(self, message: str | None = None) -> None:
        """`message`: one plain line that names what was wrong and the next step; the class's docstring by default."""
        super().__init__(message or default_message(type(self)))


def default_message(error: type[AnnalsError]) -> str:
    """The first paragraph of the class's docstring, in one line."""
    return " ".join(inspect.cleandoc(error.__doc__ or "").split("\n\n")[0].split())
