"""Dates as files have them, in ISO 8601."""

import re
from datetime import date, datetime
from email.utils import parsedate_to_datetime

_PDF = re.compile(r"D?:?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(\d\d)?'?)?")


def iso(value: object) -> str | None:
    """A date, a time, or text that is one in ISO 8601 or as mail has it (RFC 5322); None for anything else."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip()
    if re.fullmatch(r"\d{4}(-\d\d)?", text):
        return text
    try:
        return (date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)).isoformat()
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def pdf_date(value: str) -> str | None:
    """As PDF has it (ISO 32000-1, 7.9.4): `D:20210304100000+01'00'`."""
    found = _PDF.fullmatch(value.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, zulu, sign, offset_hour, offset_minute = found.groups()
    text = f"{year}-{month or '01'}-{day or '01'}"
    if hour is None:
        return iso(text)
    zone = "+00:00" if zulu else f"{sign}{offset_hour}:{offset_minute or '00'}" if sign else ""
    return iso(f"{text}T{hour}:{minute or '00'}:{second or '00'}{zone}")
