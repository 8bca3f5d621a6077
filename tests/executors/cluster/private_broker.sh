#!/bin/sh
# A RabbitMQ of one's own for tests and trials: loopback only, its data and logs in one folder, no system service, any user.
#
#   private_broker.sh serve FOLDER PORT    replaces this process by the broker: user cadre, password trial; uses PORT to PORT+2.
#                                          FOLDER/extra.conf, if there, is added to its settings
#   private_broker.sh clean FOLDER PORT    after its end: ends what it has started beside itself
set -eu
mode=$1
folder=$2
port=$3

export HOME="$folder/home"  # the cookie of Erlang's nodes is there
export ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$((port + 2))

if [ "$mode" = clean ]; then
    epmd -kill >/dev/null 2>&1 || true
    exit 0
fi

# Debian's /usr/sbin/rabbitmq-server becomes the user rabbitmq; the script behind it does not.
server=/usr/lib/rabbitmq/bin/rabbitmq-server
[ -x "$server" ] || server=$(command -v rabbitmq-server) || {
    echo "private_broker.sh: there is no rabbitmq-server here: install the package of that name" >&2
    exit 127
}

mkdir -p "$folder/home" "$folder/data" "$folder/log"
cat >"$folder/rabbitmq.conf" <<END
listeners.tcp.default = 127.0.0.1:$port
default_user = cadre
default_pass = trial
disk_free_limit.absolute = 50MB
log.console = false
log.file.level = warning
END
[ ! -f "$folder/extra.conf" ] || cat "$folder/extra.conf" >>"$folder/rabbitmq.conf"
echo '[].' >"$folder/enabled_plugins"

export RABBITMQ_NODENAME="cadre-$port@localhost" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$port"
export RABBITMQ_DIST_PORT=$((port + 1)) RABBITMQ_MNESIA_BASE="$folder/data" RABBITMQ_LOG_BASE="$folder/log"
export RABBITMQ_CONFIG_FILE="$folder/rabbitmq.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$folder/enabled_plugins"
export RABBITMQ_CONF_ENV_FILE=/dev/null
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
export RUNNING_UNDER_SYSTEMD=true  # the broker is this process, not a child of it
exec "$server"
