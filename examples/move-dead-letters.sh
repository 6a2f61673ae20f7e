#!/bin/sh
# Publishes the dead letters of each queue of one service to another, which handles them as new events with the same ids.
# They stay where they were: purge them there once all of them are stored. Needs event-broker and jq.
#
#   EVENT_BROKER_KEY=... sh examples/move-dead-letters.sh http://old:8000 http://new:8000
#
# EVENT_BROKER_KEY is a key of both services, with the scopes admin, read and publish. What is not an event is left out.
set -eu

old=$1
new=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

event-broker queues list --json --url "$old" > "$folder/queues"
jq -r '.[] | select(.dead_letter_count > 0) | .queue_name' "$folder/queues" > "$folder/names"

while read -r queue; do
  echo "$queue"
  event-broker dead-letters list "$queue" --limit 1000000 --json --url "$old" > "$folder/letters"
  jq -c '.[].event | select(. != null)
    | {id, type, name, routing_key, payload, priority, metadata}
      + if .ordering_key then {ordering_key} else {} end' "$folder/letters" > "$folder/events.ndjson"
  # Empty if none of them is an event: publish refuses empty input.
  if [ -s "$folder/events.ndjson" ]; then event-broker publish "$folder/events.ndjson" --url "$new"; fi
done < "$folder/names"
