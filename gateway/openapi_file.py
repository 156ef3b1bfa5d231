"""The OpenAPI document as a file: `python -m gateway.openapi_file write` makes docs/openapi.json, `check` compares."""

import json
import sys
from pathlib import Path

from gateway.app import make_api
from gateway.endpoints import ENDPOINTS
from gateway.handlers import HANDLERS
from gateway.openapi import document

FILE = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"


def text() -> str:
    """The document of this code, as the file holds it."""
    return json.dumps(document(make_api(ENDPOINTS), ENDPOINTS, HANDLERS), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Exit code 1 where the file is not current."""
    if arguments == ["write"]:
        FILE.write_text(text(), encoding="utf-8")
        return 0
    if arguments == ["check"]:
        if FILE.is_file() and FILE.read_text("utf-8") == text():
            return 0
        print("docs/openapi.json is not current; run: python -m gateway.openapi_file write", file=sys.stderr)
        return 1
    print("usage: python -m gateway.openapi_file write|check", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
