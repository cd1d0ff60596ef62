#!/usr/bin/env bash
# Single use in real stores: Debian's redis-server and PostgreSQL, on loopback, on free ports, gone at the end.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
cd "$root"

if ! command -v redis-server >/dev/null || ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  # Unpacking must not start servers on their usual ports.
  apt-get update -qq
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server postgresql >/dev/null
fi
cargo build --release -p reveille-resume --example shared_store
tool=${CARGO_TARGET_DIR:-$root/target}/release/examples/shared_store

work=$(mktemp -d)
redis='' postgres=''
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
finish() {
  [ -z "$redis" ] || { kill "$redis"; wait "$redis" 2>/dev/null || true; }
  [ -z "$postgres" ] || as_postgres "$postgres/pg_ctl" -D "$work/pg/data" -m immediate stop >/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

port=$(free_port)
mkdir "$work/redis"
redis-server --bind 127.0.0.1 --port "$port" --dir "$work/redis" --save '' --appendonly yes \
  --maxmemory-policy noeviction --daemonize no >"$work/redis/log" 2>&1 &
redis=$!
for _ in $(seq 100); do redis-cli -p "$port" ping >/dev/null 2>&1 && break; sleep 0.1; done
redis-server --version
"$tool" redis "$port"

port=$(free_port)
bin=$(dirname "$(ls -d /usr/lib/postgresql/*/bin/initdb | sort -V | tail -1)")
mkdir "$work/pg"
if [ "$(id -u)" = 0 ]; then chmod 711 "$work"; chown postgres "$work/pg"; fi
as_postgres "$bin/initdb" -D "$work/pg/data" -A trust -U reveille --no-sync -E UTF8 >/dev/null
postgres=$bin
as_postgres "$bin/pg_ctl" -D "$work/pg/data" -w -l "$work/pg/log" \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$work/pg" start >/dev/null
"$bin/postgres" --version
"$tool" postgres "$port" reveille
