"""One document into the inbox: `python producer.py EVENT_ID`, with ANNALS_BROKER (pip install confluent-kafka)."""

import json
import os
import sys
from datetime import UTC, datetime

from confluent_kafka import Producer

event = {
    "event_id": sys.argv[1],
    "event_type": "DocumentIngested",
    "aggregate_id": "letters/python",
    "event_data": {"title": "A letter from Python", "text": "Ada Lovelace wrote this letter in Python."},
    "timestamp": datetime.now(UTC).isoformat(),
}
producer = Producer({"bootstrap.servers": os.environ.get("ANNALS_BROKER", "127.0.0.1:9094")})
failed = []
producer.produce(
    "annals.inbox", json.dumps(event), event["aggregate_id"], on_delivery=lambda error, _: failed.append(error)
)
producer.flush(30)
if failed != [None]:
    sys.exit(f"not delivered: {failed}")
