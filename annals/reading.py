"""What reading a file may cost, by the settings."""

from annals.settings import Settings
from inference.formats.child import ReadLimits

MIB = 1024 * 1024


def read_limits(settings: Settings) -> ReadLimits:
    """Of one file."""
    return ReadLimits(
        file_bytes=settings.max_file_bytes,
        seconds=settings.read_seconds,
        memory_bytes=settings.read_memory_mb * MIB,
    )
