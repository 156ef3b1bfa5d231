"""Our settings as an environment, for a process that we start."""

import json
import os

from pydantic import SecretStr

from annals.settings import Settings


def settings_environment(settings: Settings) -> dict[str, str]:
    """An environment that gives our settings, and no others."""
    values = settings.model_dump(exclude_none=True)
    named = {f"ANNALS_{name.upper()}": _spelled(value) for name, value in values.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANNALS_")}
    # No file is read a second time: it may not be the one that we were given, or may have changed.
    return {**inherited, **named, "ANNALS_CONFIG": ""}


def _spelled(value: object) -> str:
    """A setting as a variable's value. A secret's own `str` would be asterisks."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, dict | tuple | list) else str(value)
