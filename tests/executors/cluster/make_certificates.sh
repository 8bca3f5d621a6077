#!/bin/sh
# Certificates for trials of TLS: make_certificates.sh FOLDER HOST
#
# An authority (ca.pem), the broker's certificate for HOST, localhost and 127.0.0.1 (server.pem, server_key.pem), and a client's
# (client.pem, client_key.pem). Valid for thirty days.
set -eu
mkdir -p "$1"
cd "$1"
host=$2

key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
openssl req -x509 $key -keyout ca_key.pem -out ca.pem -days 30 -subj "/CN=cadre trial authority" 2>/dev/null

# certificate NAME SUBJECT EXTENSION
certificate() {
    openssl req $key -keyout "$1_key.pem" -out "$1.csr" -subj "/CN=$2" 2>/dev/null
    echo "$3" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca_key.pem -CAcreateserial -out "$1.pem" -days 30 -extfile "$1.ext" 2>/dev/null
    rm "$1.csr" "$1.ext"
}
certificate server "$host" "subjectAltName=DNS:$host,DNS:localhost,IP:127.0.0.1"
certificate client cadre "extendedKeyUsage=clientAuth"
