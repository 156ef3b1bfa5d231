"""What is wrong with the settings, in one line that says where each wrong one comes from."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contracts.codec import one_step

SHOWN_FAULTS = 5


class Sources:
    """Which source a setting of this call comes from: an option, a variable, the settings file, or its default."""

    def __init__(self, options: Mapping[str, Any], prefix: str, file: Path | None, in_file: Mapping[str, Any]) -> None:
        self._options = options
        self._variables = {name.upper(): name for name in os.environ if name.upper().startswith(prefix)}
        self._prefix = prefix
        self._file = file
        self._in_file = in_file

    def of(self, setting: str) -> str | None:
        """As a person would look for it; None for a default."""
        variable = f"{self._prefix}{setting.upper()}"
        if setting in self._options:
            return f"the option --{setting.replace('_', '-')}"
        if variable in self._variables:
            return f"the variable {self._variables[variable]}"
        return str(self._file) if setting in self._in_file else None

    def described(self, setting: str) -> str:
        """The setting with its source."""
        return f"{setting} ({self.of(setting) or 'by default'})"


def in_one_line(error: ValidationError, sources: Sources) -> str:
    """Each wrong setting with its source and what is wrong with it, without its value: it may be a secret."""
    faults = error.errors(include_url=False, include_input=False)
    shown = [_fault(fault, sources) for fault in faults[:SHOWN_FAULTS]]
    more = [f"and {len(faults) - SHOWN_FAULTS} more"] if len(faults) > SHOWN_FAULTS else []
    return "; ".join(shown + more)


def _fault(fault: ErrorDetails, sources: Sources) -> str:
    if not fault["loc"]:
        return _words(fault)
    setting = str(fault["loc"][0])
    within = "".join(f".{one_step(step)}" for step in fault["loc"][1:])
    if fault["type"] == "extra_forbidden":
        return f"{one_step(setting)} ({sources.of(setting)}) is no setting; `docs/operations.md` lists them all"
    named = f"{setting}{within} ({sources.of(setting) or 'by default'})"
    other = fault.get("ctx", {}).get("other")
    beside = f" {sources.described(str(other))}" if other is not None else ""
    return f"{named}: {_words(fault)}{beside}"


def _words(fault: ErrorDetails) -> str:
    return fault["msg"].removeprefix("Value error, ")
