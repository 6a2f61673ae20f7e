#!/usr/bin/env python3
"""Publishes what callers say over HTTP and over AMQP, and reports what becomes of it.

The service has to run on RabbitMQ with the modules of examples/handlers:

    RABBITMQ_HOST=127.0.0.1 npm start
    python3 examples/python/calls.py "a human, please"

EVENT_BROKER_URL, EVENT_BROKER_KEY, AMQP_URL and DEFAULT_EXCHANGE say where, if it is not on this machine.
Needs pika (Debian: python3-pika). Exits with 1 and one sentence if something fails.
"""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

try:
    import pika
except ImportError:
    sys.exit("pika is missing: apt-get install python3-pika, or pip install pika")

URL = os.environ.get("EVENT_BROKER_URL", "http://127.0.0.1:8000").rstrip("/")
KEY = os.environ.get("EVENT_BROKER_KEY", "")
AMQP_URL = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2F")
EXCHANGE = os.environ.get("DEFAULT_EXCHANGE", "events")

PATIENCE = 10  # seconds to wait for an answer or an outcome
MAX_TRIES = 5  # times that a request is sent

# What to check, by the status of an answer.
HINTS = dict.fromkeys((401, 403), "Check EVENT_BROKER_KEY.") | dict.fromkeys((404, 502), "Check EVENT_BROKER_URL.")


def request(method, path, body=None):
    """Sends a request; sends it again if the service says that this can help."""
    headers = {"Content-Type": "application/json", **({"X-API-Key": KEY} if KEY else {})}
    data = None if body is None else json.dumps(body).encode()
    for tries_left in reversed(range(MAX_TRIES)):
        try:
            sent = urllib.request.Request(URL + path, data, headers, method=method)
            return urllib.request.urlopen(sent, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            problem = problem_of(error)
            wait = float(error.headers.get("Retry-After", 1))
            if not problem.get("retryable") or tries_left == 0:
                hint = HINTS.get(error.code, "")
                sys.exit(f"{problem['title']}: {problem['detail']} {problem.get('errors', '')}{hint}".rstrip())
            print(f"{problem['title']}; trying again in {wait:g} s")
            time.sleep(wait)


def problem_of(error):
    """The problem document of an answer. A proxy answers with anything else."""
    try:
        problem = json.load(error)
        return {"title": problem["title"], "detail": problem["detail"], **problem}
    except (ValueError, TypeError, KeyError):
        return {"title": f"{URL} answered {error.code}", "detail": "is it an Event Broker?"}


def publish_http(event):
    """Returns once the event is stored. Its own id makes it safe to send the event twice."""
    event = {"id": str(uuid.uuid4()), **event}
    return json.load(request("POST", "/api/v1/events", event))["id"]


def connect():
    try:
        return pika.BlockingConnection(pika.URLParameters(AMQP_URL))
    except (pika.exceptions.AMQPError, OSError, ValueError, LookupError) as error:
        # pika's own words are a list of attempts, or nothing. Never print AMQP_URL: it has a password.
        sys.exit(f"RabbitMQ can't be reached ({type(error).__name__}); start it, or check AMQP_URL")


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
    """Yields the events of the live stream until none has come for a while."""
    give_up_at = time.monotonic() + PATIENCE
    kind = ""
    try:
        while time.monotonic() < give_up_at:
            line = stream.readline()
            if not line:
                sys.exit("the service closed the stream: it was stopped, or the key was revoked")
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                kind = value
            elif field == "data" and kind == "event":
                yield json.loads(value)
    except TimeoutError:
        return  # the socket was silent for as long


def dead_letter_of(queue, name, event_id):
    """The dead letter of an event; None if it is not one."""
    page = json.load(request("GET", f"/api/v1/dead-letters/{queue}?name={name}&limit=1000"))
    return next((letter for letter in page["dead_letters"] if letter["event"]["id"] == event_id), None)


def wait_for_dead_letter(queue, name, event_id):
    give_up_at = time.monotonic() + PATIENCE
    while time.monotonic() < give_up_at:
        letter = dead_letter_of(queue, name, event_id)
        if letter is not None:
            return letter
        time.sleep(0.5)
    sys.exit(f"{event_id} was not a dead letter within {PATIENCE} s; does the service run examples/handlers?")


def explain_silence(ids):
    """Says what became of the events for which no alert came."""
    for event_id in ids:
        letter = dead_letter_of("voice_events", "speech_recognized", event_id)
        if letter is not None:
            sys.exit(f"{event_id} is a dead letter: {letter['reason']}")
    waiting = json.load(request("GET", "/api/v1/queues/voice_events"))["waiting"]
    if waiting > 0:
        sys.exit(f"voice_events has {waiting} waiting events; does the service run examples/handlers?")
    for event_id in ids:
        print(f"no alert: {event_id}, because the caller does not ask for a human, a person or an agent")


def main(said):
    # The stream begins before the first publish, so it misses nothing.
    stream = request("GET", "/api/v1/events/stream?topics=events.notification.%23")
    connection = connect()
    channel = connection.channel()
    channel.confirm_delivery()

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
    print(f"waiting up to {PATIENCE} s for the alerts", flush=True)
    for event in events_of(stream):
        over = calls.get(event["payload"].get("call_id"))
        if over in ids:
            print(f"handled: {ids.pop(over)}, {event['payload']['reason']}")
        if not ids:
            break
    explain_silence(ids.values())

    # No handler takes a transfer.
    letter = wait_for_dead_letter("voice_events", "call.transferred", transferred)
    print(f"dead letter: {transferred}, {letter['reason']}, from {letter['event']['metadata']['source']}")


def explain(error):
    """Says in one sentence what failed, and what to check."""
    if isinstance(error, pika.exceptions.UnroutableError):
        return f"no queue takes the event from the exchange {EXCHANGE}; check DEFAULT_EXCHANGE"
    if isinstance(error, pika.exceptions.NackError):
        return "RabbitMQ refuses the event: a queue is full"
    if isinstance(error, pika.exceptions.ChannelClosedByBroker):
        return f"RabbitMQ refuses the event: {error.reply_text}; does the service run on this RabbitMQ?"
    if isinstance(error, pika.exceptions.AMQPError):
        return f"the connection to RabbitMQ was lost ({type(error).__name__})"
    if isinstance(error, ValueError):
        return f"{URL} is not the URL of an Event Broker: {error}; check EVENT_BROKER_URL"
    return f"{URL} can't be used: {getattr(error, 'reason', error)}; start the service, or check EVENT_BROKER_URL"


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "a human, please")
    except (pika.exceptions.AMQPError, OSError, http.client.HTTPException, ValueError) as error:
        sys.exit(explain(error))
    except KeyboardInterrupt:
        sys.exit("interrupted")
