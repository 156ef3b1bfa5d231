"""Addresses as they may be shown."""

from urllib.parse import parse_qsl, urlencode, urlsplit


def without_password(address: str) -> str:
    """A URL without the passwords in it; anything that holds none stays as it is."""
    parts = urlsplit(address)
    query = parse_qsl(parts.query, keep_blank_values=True)
    shown = [(name, value) for name, value in query if "password" not in name.lower()]
    if parts.password is None and shown == query:
        return address
    login, _, place = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    return parts._replace(netloc=f"{user}@{place}" if user else place, query=urlencode(shown, safe="/,")).geturl()
