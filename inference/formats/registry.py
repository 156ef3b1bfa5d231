"""Which reader reads what: by the content of a file, never by its name alone."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module

from inference.formats.context import MAX_DEPTH, ReadContext
from inference.formats.detection import binary, is_named_readable, mislabelled, textual
from inference.formats.document import NotRead, Read, ReadDocument
from inference.formats.encodings import Decoded
from inference.formats.errors import UnreadableFileError, UnsupportedFileError

TEXTUAL = {
    "text": ("plain_text", "read_text"),
    "source": ("plain_text", "read_source"),
    "markdown": ("markdown", "read"),
    "html": ("html", "read"),
    "csv": ("delimited", "read_csv"),
    "tsv": ("delimited", "read_tsv"),
    "json": ("json_data", "read"),
    "subtitles": ("subtitles", "read"),
}
"""Readers of decoded text, by module and function: a module, and its library, is loaded when there is need for it."""
BINARY = {
    "email": ("mail", "read_message"),
    "mbox": ("mail", "read_mailbox"),
    "msg": ("outlook", "read"),
    "pdf": ("pdf", "read"),
    "docx": ("docx", "read"),
    "pptx": ("pptx", "read"),
    "xlsx": ("xlsx", "read"),
    "odt": ("opendocument", "read_text"),
    "ods": ("opendocument", "read_spreadsheet"),
    "odp": ("opendocument", "read_presentation"),
    "rtf": ("rtf", "read"),
    "epub": ("epub", "read"),
    "warc": ("warc", "read"),
    "archive": ("archives", "read"),
}
"""Readers of bytes."""
EXTRA = "annals[formats]"


def read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    """All documents of a file, and what of it is none; nothing is raised but MemoryError."""
    try:
        if context.depth > MAX_DEPTH:
            raise UnreadableFileError(f"lies in more than {MAX_DEPTH} files within files; unpack it")
        any_found = False
        for found in _read(raw, context):
            any_found = True
            yield found
        if not any_found:
            raise UnreadableFileError("holds no document")
    except UnsupportedFileError as error:
        # By its name it was meant as a document.
        yield NotRead(str(error), unsupported=not is_named_readable(context))
    except UnreadableFileError as error:
        yield NotRead(str(error))
    except ImportError as error:
        yield NotRead(f"needs a library that is not installed ({error.name}); install {EXTRA}")
    except RecursionError:
        yield NotRead("is nested too deeply to be read; flatten it")
    except MemoryError:
        raise
    except Exception as error:
        # Whatever a library raises of a file that it did not expect.
        said = " ".join(str(error).split())[:100]
        yield NotRead(
            f"cannot be parsed ({type(error).__name__}{': ' if said else ''}{said}); is it broken? save it again"
        )


def _read(raw: bytes, context: ReadContext) -> Iterator[Read]:
    kind = binary(raw, context)
    decoded: Decoded | None = None
    if kind is None:
        decoded = context.decode(raw, _declared(raw))
        kind = textual(decoded, context)
    warning = mislabelled(kind, context)
    for found in _documents(raw, decoded, kind, context):
        if warning is not None and isinstance(found, ReadDocument) and not found.part:
            found = replace(found, warnings=(warning, *found.warnings))
        yield found


def _documents(raw: bytes, decoded: Decoded | None, kind: str, context: ReadContext) -> Iterator[Read]:
    if decoded is not None and kind in TEXTUAL:
        of_text: Callable[[Decoded, ReadContext], Iterator[Read]] = _function(*TEXTUAL[kind])
        yield from of_text(decoded, context)
    elif kind in BINARY:
        of_bytes: Callable[[bytes, ReadContext], Iterator[Read]] = _function(*BINARY[kind])
        yield from of_bytes(raw, context)
    else:
        raise UnsupportedFileError(f"is {kind}, of which no text can be read")


def _function(module: str, name: str) -> Callable[..., Iterator[Read]]:
    found: Callable[..., Iterator[Read]] = getattr(import_module(f"inference.formats.{module}"), name)
    return found


def _declared(raw: bytes) -> str | None:
    if raw.lstrip()[:1] != b"<":
        return None
    from inference.formats.html import charset

    return charset(raw)
