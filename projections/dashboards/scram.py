"""What PostgreSQL keeps of a password, made here: the password itself would be in the server's log of statements."""

import base64
import hashlib
import hmac
import secrets

ITERATIONS = 4096
"""PostgreSQL's default (`scram_iterations`); the passwords made here are random, so that more would add nothing."""


def scram_verifier(password: str) -> str:
    """A verifier for SCRAM-SHA-256 (RFC 5802 and 7677) of an ASCII password, as PostgreSQL writes it."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    in_base64 = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${ITERATIONS}:{in_base64[0]}${in_base64[1]}:{in_base64[2]}"
