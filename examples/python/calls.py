#!/usr/bin/env python3
"""Publishes what callers say over HTTP and over AMQP, and reports what becomes of it.

The service has to run on RabbitMQ with the modules of examples/handlers:

    RABBITMQ_HOST=127.0.0.1 npm start
    python3 examples/python/calls.py "a human, please"

EVENT_BROKER_URL, EVENT_BROKER_KEY, AMQP_URL and DEFAULT_EXCHANGE say where, if it is not on this machine.
Needs pika (Debian: python3-pika).
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

import pika

URL = os.environ.get("EVENT_BROKER_URL", "http://127.0.0.1:8000")
KEY = os.environ.get("EVENT_BROKER_KEY", "")
AMQP_URL = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2F")
EXCHANGE = os.environ.get("DEFAULT_EXCHANGE", "events")

PATIENCE = 30  # seconds to wait for an outcome
MAX_TRIES = 5  # times that a request is sent


def request(method, path, body=None):
    """Sends a request; sends it again if the service says that this can help."""
    headers = {"Content-Type": "application/json", "X-API-Key": KEY}
    data = None if body is None else json.dumps(body).encode()
    for tries_left in reversed(range(MAX_TRIES)):
        try:
            sent = urllib.request.Request(URL + path, data, headers, method=method)
            return urllib.request.urlopen(sent, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            problem = json.load(error)
            if not problem["retryable"] or tries_left == 0:
                sys.exit(f"{problem['title']}: {problem['detail']} {problem.get('errors', '')}")
            time.sleep(float(error.headers.get("Retry-After", 1)))


def publish_http(event):
    """Returns once the event is stored. Its own id makes it safe to send the event twice."""
    event = {"id": str(uuid.uuid4()), **event}
    return json.load(request("POST", "/api/v1/events", event))["id"]


def publish_amqp(channel, event):
    """Returns once RabbitMQ has stored the message; raises if no queue takes it, or a queue is full."""
    message_id = str(uuid.uuid4())
    properties = pika.BasicProperties(message_id=message_id, timestamp=int(time.time()), delivery_mode=2)
    key = f"events.{event['type']}.{event['name']}"
    channel.basic_publish(EXCHANGE, key, json.dumps(event).encode(), properties, mandatory=True)
    return message_id


def publish_cloud_event(channel, event_type, source, data):
    """The same as a CloudEvent: its attributes are headers, its data is the body."""
    event_id = str(uuid.uuid4())
    attributes = {"specversion": "1.0", "id": event_id, "source": source, "type": event_type}
    headers = {f"cloudEvents:{name}": value for name, value in attributes.items()}
    properties = pika.BasicProperties(headers=headers, content_type="application/json", delivery_mode=2)
    channel.basic_publish(EXCHANGE, f"events.{event_type}", json.dumps(data).encode(), properties, mandatory=True)
    return event_id


def events_of(stream):
    """Yields the events of the live stream. A comment comes every 15 seconds, so this can give up."""
    give_up_at = time.monotonic() + PATIENCE
    kind = ""
    for line in stream:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            kind = value
        elif field == "data" and kind == "event":
            yield json.loads(value)
        if time.monotonic() > give_up_at:
            sys.exit(f"the handlers raised no alert within {PATIENCE} s")


def dead_letter_of(queue, name, event_id):
    """Waits until the event is a dead letter."""
    give_up_at = time.monotonic() + PATIENCE
    while time.monotonic() < give_up_at:
        page = json.load(request("GET", f"/api/v1/dead-letters/{queue}?name={name}&limit=1000"))
        for letter in page["dead_letters"]:
            if letter.get("event", {}).get("id") == event_id:
                return letter
        time.sleep(0.5)
    sys.exit(f"{event_id} was not a dead letter within {PATIENCE} s")


def main(said):
    connection = pika.BlockingConnection(pika.URLParameters(AMQP_URL))
    channel = connection.channel()
    channel.confirm_delivery()
    # The stream begins before the first publish, so it misses nothing.
    stream = request("GET", "/api/v1/events/stream?topics=events.notification.%23")

    calls = {f"call-{uuid.uuid4()}": over for over in ("HTTP", "AMQP")}
    ids = {}
    for call, over in calls.items():
        event = {"type": "voice", "name": "speech_recognized", "payload": {"call_id": call, "text": said}}
        ids[over] = publish_http(event) if over == "HTTP" else publish_amqp(channel, event)
        print(f"published over {over}: {ids[over]}")
    transferred = publish_cloud_event(channel, "voice.call.transferred", "/calls", {"to": "a person"})
    print(f"published as a CloudEvent: {transferred}")
    connection.close()

    # For a caller who asks for a person the handler publishes an alert: the event was handled.
    for event in events_of(stream):
        over = calls.get(event["payload"].get("call_id"))
        if over in ids:
            print(f"handled: {ids.pop(over)}, {event['payload']['reason']}")
        if not ids:
            break

    # No handler takes a transfer.
    letter = dead_letter_of("voice_events", "call.transferred", transferred)
    print(f"dead letter: {transferred}, {letter['reason']}, from {letter['event']['metadata']['source']}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "a human, please")
