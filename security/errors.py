"""What security refuses. Of why somebody is not let in, the messages say nothing that helps to guess a credential.

An unknown, a wrong, an expired and a revoked credential, and that of a disabled account, are one error, one message.
"""

from contracts.errors import AnnalsError


class AuthenticationError(AnnalsError):
    """Who asks could not be told; send a credential that counts."""

    reason: str = "no credential that counts"
    account: str = ""
    tenant: str | None = None
    """What was wrong, and with whose credential, for the audit log; an edge never shows it."""


class MissingCredentialError(AuthenticationError):
    """No credential was sent; send the header `Authorization: Bearer`, followed by an API key or an access token."""

    reason = "no credential"


class InvalidCredentialError(AuthenticationError):
    """The credential does not count; get a new one, or ask an administrator."""

    def __init__(self, reason: str, account: str = "", tenant: str | None = None) -> None:
        """`reason`, and whose credential it is where that is known, are for the audit log: the message is the same."""
        super().__init__()
        self.reason = reason
        self.account = account
        self.tenant = tenant


class BlockedError(AuthenticationError):
    """This account or address is blocked for a while, for what was seen of it; wait, or ask an administrator."""

    reason = "blocked"

    def __init__(self, left_s: float) -> None:
        """`left_s`: seconds until it ends by itself."""
        super().__init__()
        self.left_s = left_s


class EncryptionError(AnnalsError):
    """Data could not be encrypted or decrypted; see `annals crypto list`."""


class DecryptionError(EncryptionError):
    """Encrypted data cannot be read: it, its key's name or its context was changed; restore it from a backup."""


class TooMuchToEncryptError(EncryptionError):
    """This is more data than is encrypted at once (16 MiB); encrypt it in pieces."""


class KeyDestroyedError(EncryptionError):
    """The key was destroyed, and what it encrypted is erased; there is nothing to restore."""


class UnknownKeyError(EncryptionError):
    """There is no such data key here; restore the table of data keys from the backup that holds it."""


class LogSecretError(EncryptionError):
    """The secret of this log is not in the table of data keys; restore that table from a backup of the same log."""


class MasterKeyError(EncryptionError):
    """The master key is missing, or is not the one that wrapped the data keys; restore it from its backup."""


class TooManyAttemptsError(AuthenticationError):
    """Too many attempts failed; wait as long as Retry-After says, then try again."""

    reason = "too many failed attempts"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s
