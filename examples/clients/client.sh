#!/bin/sh
# A document in, a question asked, over HTTP, with ANNALS_SERVER and ANNALS_TOKEN.
set -eu
server=${ANNALS_SERVER:-http://127.0.0.1:8420}
post() {
    path=$1 body=$2
    shift 2
    # The token is not among the arguments, which others on the machine can see.
    printf 'header = "Authorization: Bearer %s"\n' "$ANNALS_TOKEN" |
        curl -sS --fail-with-body -K - "$server$path" -H 'Content-Type: application/json' -d "$body" "$@"
}
post /api/v1/documents '{"id": "examples/lovelace", "title": "Ada Lovelace",
    "text": "Ada Lovelace wrote the first program for the Analytical Engine."}' -H 'Prefer: wait=25'
echo
post /api/v1/reasoning/query '{"query": "Who wrote the first program?"}'
echo
