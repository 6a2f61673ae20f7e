#!/usr/bin/env python3
"""Publishes an event over HTTP, safely, with Python's standard library alone. Works with both engines.

    npm start
    python3 examples/python/publish.py "a human, please"

EVENT_BROKER_URL and EVENT_BROKER_KEY say where, if it is not on this machine. Exits with 1 and one sentence if it does
not know that the event is stored.
"""

import http.client
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("EVENT_BROKER_URL", "http://127.0.0.1:8000").rstrip("/")
KEY = os.environ.get("EVENT_BROKER_KEY", "")

# What to change after a refusal, by its status.
HINTS = {
    401: " Set EVENT_BROKER_KEY to a key of the service.",
    404: " Check the path of EVENT_BROKER_URL.",
}

PATIENCE = 10  # seconds to wait for an answer
MAX_TRIES = 5  # times that an event is sent


def publish(event):
    """Returns the receipt once the event is stored. The id makes it safe to send the event again."""
    body = json.dumps({"id": str(uuid.uuid4()), **event}).encode()
    headers = {"Content-Type": "application/json", **({"X-API-Key": KEY} if KEY else {})}
    request = urllib.request.Request(f"{URL}/api/v1/events", body, headers)
    for tries_left in reversed(range(MAX_TRIES)):
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            problem = json.load(error)
            if not problem["retryable"] or tries_left == 0:
                # If faults are listed, the detail only says that there are some.
                faults = "; ".join(f"{fault['pointer']} {fault['message']}".strip() for fault in problem.get("errors", []))
                what = f"{problem['title']}: {faults}" if faults else problem["detail"]
                sys.exit(what + HINTS.get(error.code, ""))
            wait = float(error.headers.get("Retry-After", 1))
        except (OSError, http.client.HTTPException) as error:
            # Nobody knows whether the event was stored, unless nothing listens there.
            if tries_left == 0 or isinstance(getattr(error, "reason", None), (ConnectionRefusedError, socket.gaierror)):
                raise
            wait = 1
        time.sleep(wait)


if __name__ == "__main__":
    if "-h" in sys.argv or "--help" in sys.argv:
        sys.exit(__doc__)
    said = sys.argv[1] if len(sys.argv) > 1 else "a human, please"
    try:
        receipt = publish(
            {"type": "voice", "name": "speech_recognized", "payload": {"call_id": "c-1", "text": said}}
        )
    except (OSError, http.client.HTTPException, LookupError, ValueError) as error:
        sys.exit(f"{URL} can't be used: {getattr(error, 'reason', error)}; check EVENT_BROKER_URL")
    print(f"stored: {receipt['id']} on {receipt['routing_key']}")
