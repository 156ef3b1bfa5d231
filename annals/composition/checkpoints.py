"""Signed checkpoints of the log, for whoever makes them by schedule and whoever asks for one."""

from pathlib import Path

from annals.composition.stores import Stores
from annals.settings import Settings
from eventstore.checkpoints import Checkpoints
from security.audit import AuditLog
from security.encryption import Encryption
from services.security.checkpoints import CheckpointService

FOLDER = "checkpoints"


def checkpoint_folder(settings: Settings) -> Path:
    """Where checkpoints are kept outside of the database."""
    return settings.checkpoint_folder or settings.data / FOLDER


def checkpoints_of(stores: Stores, encryption: Encryption, audit: AuditLog) -> CheckpointService:
    """By the settings."""
    folder = checkpoint_folder(stores.settings)
    return CheckpointService(Checkpoints(stores.pool), stores.reader, encryption, audit, folder)
