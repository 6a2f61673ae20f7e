#!/bin/sh
# Creates the service's user on RabbitMQ, with the permissions that the service needs and no others.
# Run it where rabbitmqctl works. Running it again sets the permissions again.
#
#   RABBITMQ_PASSWORD=... QUEUES='audit|billing' sh examples/rabbitmq-user.sh
#
# RABBITMQ_USER, RABBITMQ_VHOST and DEFAULT_EXCHANGE have the values of the service. QUEUES is a regular expression for the
# queues that handler modules add to the predefined ones.
set -eu

user=${RABBITMQ_USER:-event-broker}
vhost=${RABBITMQ_VHOST:-/}
exchange=${DEFAULT_EXCHANGE:-events}
queues="(voice|user|system|notification|custom)_events${QUEUES:+|$QUEUES}"

# The exchanges; the register of queues, the history, the count of instances, the queue of the live stream, and the marks of paused
# queues; the tiers where retries wait; and each queue with its dead letters and the mark of its ordering keys.
names="$exchange|dead_letters|event-broker\.(queues|history|instances)|event-broker\.live\..+|event-broker\.held\.($queues)|retry\.($queues)\.[0-9]+|(dead\.|ordered\.)?($queues)"

# While rabbitmqctl runs, other users of this machine can see the password: its prompt takes none from a pipe on RabbitMQ 4.
if rabbitmqctl --silent list_users | cut -f 1 | grep -qxF "$user"; then
  rabbitmqctl change_password "$user" "$RABBITMQ_PASSWORD"
else
  rabbitmqctl add_user "$user" "$RABBITMQ_PASSWORD"
fi

# In this order: configure, write, read. Redriven and returned events go through the default exchange.
rabbitmqctl set_permissions -p "$vhost" "$user" "^($names)$" "^($names|amq\.default)$" "^($names)$"
