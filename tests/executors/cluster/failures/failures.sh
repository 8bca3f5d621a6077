#!/usr/bin/env bash
# The failure matrix of docs/howto/cluster.md, on two hosts that are network namespaces: failures.sh PROGRAM BROKER_SCRIPT [ROUNDS]
# Status 77: not possible here.
set -euo pipefail
program=$1 broker_script=$2 rounds=${3:-1}

skip() { echo "skipped: $1"; exit 77; }
[ "$(id -u)" -eq 0 ] || skip "only root may make network namespaces"
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || skip "there is no rabbitmq-server"
command -v ip unshare >/dev/null || skip "there is no ip or unshare (packages iproute2, util-linux)"
id=cf$$
ip link add "$id" type bridge 2>/dev/null || skip "this system lets nobody make a bridge"

folder=$(mktemp -d)
port=$((20000 + $$ % 1000 * 10))
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 10)); done
subnet=10.93.$(($$ % 250))
broker='' started='' row=''
declare -A agent=()

finish() {
    local pid host
    for pid in $started $broker; do
        kill -KILL "$pid" 2>/dev/null || true
        { wait "$pid"; } 2>/dev/null || true
    done
    sh "$broker_script" clean "$folder" "$port"
    for host in a1 a2; do
        ip netns pids "$id$host" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
        ip netns del "$id$host" 2>/dev/null || true
    done
    ip link del "$id"
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

die() {
    echo "FAILED: $row: $1" >&2
    tail -n 20 "$folder"/*.out >&2
    exit 1
}

start_broker() {
    setsid sh "$broker_script" serve "$folder" "$port" >"$folder/broker.out" 2>&1 </dev/null &
    broker=$!
    local tries
    for ((tries = 0; tries < 600; ++tries)); do
        (exec 3<>"/dev/tcp/$subnet.1/$port") 2>/dev/null && return
        sleep 0.1
    done
    die "the broker does not start"
}
stop_broker() { kill -KILL "$broker"; { wait "$broker"; } 2>/dev/null || true; broker=''; }

add_host() {
    ip netns add "$id$1"
    ip link add "$id$1" type veth peer name eth0 netns "$id$1"
    ip link set "$id$1" master "$id" up
    ip -n "$id$1" addr add "$subnet.$2/24" dev eth0
    ip -n "$id$1" link set eth0 up
    ip -n "$id$1" link set lo up
}

# The processes of a host. Fails for a moment where others make namespaces at the same time.
pids_on() { ip netns pids "$id$1" 2>/dev/null || { sleep 0.2; ip netns pids "$id$1"; }; }

start_agent() {
    ip netns exec "$id$1" unshare --uts sh -c 'hostname "$1"; exec "$2" --cadre-agent' sh "$1" "$program" \
        >"$folder/$1.out" 2>&1 </dev/null &
    agent[$1]=$!
    started="$started $!"
}

# begin ROW WHAT…: agents and the program, whose call has begun on `host`, whose agent is `victim`.
begin() {
    row=$1
    shift
    start_agent a1
    start_agent a2
    : >"$folder/program.out"  # here and not by the process below, which may be late
    CADRE_EXECUTOR=cluster:1,nodes=2,local=false "$program" "$@" >"$folder/program.out" 2>&1 </dev/null &
    running=$!
    started="$started $!"
    wait_for_line running 20
    host=$(awk '$2 == "running" { print $3 }' "$folder/program.out")
    victim=${agent[${host:-none}]:-}
    failed_at=$(date +%s%N)
}

# wait_for_line WORD SECONDS
wait_for_line() {
    local tries
    for ((tries = 0; tries < $2 * 50; ++tries)); do
        grep -q " $1" "$folder/program.out" && return
        sleep 0.02
    done
    die "no line '$1' within $2 s"
}

# expect WORD MILLISECONDS: the program's line, so long after the failure at most. Sets `took`.
expect() {
    wait_for_line "$1" 60
    took=$((($(awk -v word="$1" 'index($0, " " word) { print $1; exit }' "$folder/program.out") - failed_at) / 1000000))
    [ "$took" -le "$2" ] || die "'$1' after $took ms, more than $2"
}

# The same of an error that names the host.
expect_of_host() {
    expect "$1" "$2"
    grep " $1" "$folder/program.out" | grep -qw "$host" || die "the error does not name $host"
}

# end_row [HOST…]: the program ends by itself, and the agents of HOSTs on request; then nothing is left on any host.
end_row() {
    local status=0
    wait "$running" || status=$?
    [ "$status" -eq 0 ] || die "the program ended with status $status"
    agents_end "$@"
    printf '%-28s %6d ms\n' "$row" "${took:-0}"
}

agents_end() {
    local each tries status
    for each in "$@"; do kill -TERM "${agent[$each]}"; done
    for each in "$@"; do
        status=0
        wait "${agent[$each]}" || status=$?
        [ "$status" -eq 0 ] || die "the agent on $each ended with status $status"
    done
    for each in a1 a2; do
        for ((tries = 0; tries < 50; ++tries)); do
            [ -z "$(pids_on "$each")" ] && continue 2
            sleep 0.1
        done
        die "processes are left on $each: $(pids_on "$each" | xargs -r ps -o pid=,args= -p)"
    done
    agent=()
}

other_host() { [ "$host" = a1 ] && echo a2 || echo a1; }

# wait_until_idle HOST SECONDS: until no thread there computes.
wait_until_idle() {
    local tries pids states
    for ((tries = 0; tries < $2 * 10; ++tries)); do
        pids=$(pids_on "$1")
        states=$(xargs -r ps -L -o stat= -p <<<"$pids" || true)  # some may have ended
        grep -q '^R' <<<"$states" || return 0
        sleep 0.1
    done
    die "the host $1 still computes after $2 s"
}

# refused ROW URL WORDS: the program ends at once, by status 2 and one line that has these words.
refused() {
    local status=0
    row=$1
    failed_at=$(date +%s%N)
    CADRE_CLUSTER_URL=$2 CADRE_EXECUTOR=cluster "$program" >"$folder/program.out" 2>&1 </dev/null || status=$?
    took=$((($(date +%s%N) - failed_at) / 1000000))
    [ "$status" -eq 2 ] || die "status $status instead of 2"
    [ "$(wc -l <"$folder/program.out")" -eq 1 ] || die "more than one line"
    grep -q "$3" "$folder/program.out" || die "the line is another one"
    [ "$took" -le 6000 ] || die "after $took ms"
    printf '%-28s %6d ms\n' "$row" "$took"
}

rows() {
    refused "a wrong password" "amqp://cadre:wrong@$subnet.1:$port" "rejects the user 'cadre' or its password"
    refused "no broker" "amqp://cadre:trial@$subnet.1:$((port + 5))" "no RabbitMQ broker answers"
    refused "a broker that is cut off" "amqp://cadre:trial@$subnet.13:$port" "has not replied\|no RabbitMQ broker answers"

    begin "a task crashes" crash
    expect_of_host worker_crashed 2000
    took=$((took > 200 ? took - 200 : 0))  # which the task does after 200 ms
    end_row a1 a2

    begin "an agent is killed" spin
    kill -KILL "$victim"
    expect_of_host worker_lost 1000
    { wait "$victim"; } 2>/dev/null || true
    end_row "$(other_host)"

    begin "a host is cut off" spin
    ip link set "$id$host" down
    expect_of_host worker_lost 4000
    wait_until_idle "$host" 5
    ip link set "$id$host" up
    end_row a1 a2

    begin "an agent is frozen" spin
    kill -STOP "$victim"
    expect_of_host worker_lost 4000
    kill -CONT "$victim"
    wait_until_idle "$host" 5
    end_row a1 a2

    begin "state of all hosts" state
    expect "used 0" 20000
    end_row a1 a2

    begin "state of a killed agent" lose
    kill -KILL "$victim"
    expect recovered 2000
    expect_of_host worker_lost 2000
    { wait "$victim"; } 2>/dev/null || true
    end_row "$(other_host)"

    begin "state of a frozen agent" lose
    kill -STOP "$victim"
    expect recovered 6000
    expect_of_host worker_lost 6000
    kill -CONT "$victim"
    wait_until_idle "$host" 5
    end_row a1 a2

    begin "state of a host cut off" lose
    ip link set "$id$host" down
    expect recovered 6000
    expect_of_host worker_lost 6000
    ip link set "$id$host" up
    wait_until_idle "$host" 5
    end_row a1 a2

    rm -f "$folder/marks"
    begin "a host is slow" marks "$folder/marks"
    for ((i = 0; i < 4; ++i)); do
        kill -STOP "${agent[a1]}"
        sleep 0.5  # less than two heartbeats
        kill -CONT "${agent[a1]}"
        sleep 0.2
    done
    expect "returned 2000" 30000
    [ "$(stat -c %s "$folder/marks")" -eq 2000 ] || die "items have run twice"
    end_row a1 a2

    begin "an agent is asked to leave" work
    kill -TERM "$victim"
    expect "returned 7" 3000
    wait "$victim" || die "the agent ended with status $?"
    end_row "$(other_host)"

    begin "the broker is killed" spin
    stop_broker
    expect "worker_lost" 1000
    wait_until_idle a1 5
    wait_until_idle a2 5
    start_broker
    end_row a1 a2

    begin "the program is killed" spin
    kill -KILL "$running"
    { wait "$running"; } 2>/dev/null || true
    wait_until_idle "$host" 3
    took=$((($(date +%s%N) - failed_at) / 1000000))
    agents_end a1 a2
    printf '%-28s %6d ms\n' "$row" "$took"
}

ip addr add "$subnet.1/24" dev "$id"
ip link set "$id" up
add_host a1 11
add_host a2 12
echo "listeners.tcp.bridge = $subnet.1:$port" >"$folder/extra.conf"
start_broker
export CADRE_CLUSTER_URL="amqp://cadre:trial@$subnet.1:$port" CADRE_CLUSTER_NAME=failures
for ((round = 0; round < rounds; ++round)); do rows; done

row="at the end"
queues() {
    HOME=$folder/home ERL_EPMD_PORT=$((port + 2)) RABBITMQ_CONF_ENV_FILE=/dev/null \
        /usr/lib/rabbitmq/bin/rabbitmqctl --quiet -n "cadre-$port@localhost" list_queues name | grep cadre || true
}
for ((tries = 0; tries < 15; ++tries)); do
    left=$(queues)
    [ -z "$left" ] && break
    sleep 3
done
[ -z "$left" ] || die "queues are left in the broker: $left"
