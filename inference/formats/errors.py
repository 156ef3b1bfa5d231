"""Why a file cannot be read. The message goes on after the file's name: `is encrypted; ...`."""

from contracts.errors import AnnalsError


class UnreadableFileError(AnnalsError):
    """The file cannot be read; the message says what is wrong with it."""


class UnsupportedFileError(UnreadableFileError):
    """The file is of a kind that no reader is for; convert it to one that is listed in README.md."""
