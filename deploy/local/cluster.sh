# The private PostgreSQL 15 cluster of this checkout; sourced after state.sh. Durability stays on: what ./dev run shows
# must be what the services do.
PG_BIN="${TOKENWATCH_PG_BIN:-/usr/lib/postgresql/15/bin}"
PG_USER=postgres  # whom the server runs as when we are root, which it refuses to be

random_secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# A secret that is made once: secret NAME prints the file's path.
secret_file() {
  local file="$SECRETS/$1"
  [[ -s "$file" ]] || (umask 077 && random_secret >"$file")
  printf '%s' "$file"
}

# as_server COMMAND...: runs it as the user that owns the cluster, from a directory which that user may enter.
as_server() {
  if is_root; then
    (cd / && setpriv --reuid="$PG_USER" --regid="$PG_USER" --init-groups -- "$@")
  else
    "$@"
  fi
}

give_to_server() { ! is_root || chown "$PG_USER:" "$@"; }

# psql_admin DATABASE arguments...: as superuser of the private cluster.
psql_admin() {
  local database="$1"
  shift
  PGPASSFILE="$SECRETS/pgpass" PGOPTIONS='-c client_min_messages=warning' \
    "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$(cat "$RUN/pg.socket")" -p "$(cat "$RUN/pg.port")" -U postgres \
    -d "$database" "$@"
}

# Where the data lives: inside the checkout, or beside the system's other variable data when the server's user may not
# enter the checkout (root's home is closed to others). The link in .run says where.
place_cluster() {
  [[ ! -e "$RUN/pg" ]] || return 0
  rm -f -- "$RUN/pg"
  if as_server test -x "$RUN"; then
    mkdir -m 700 "$RUN/pg"
  else
    ln -s "$(mktemp -d /var/tmp/tokenwatch-pg.XXXXXX)" "$RUN/pg"
  fi
  give_to_server "$RUN/pg/."
}

make_cluster() {
  local password_file data
  data="$(readlink -f "$RUN/pg")"
  [[ ! -f "$data/PG_VERSION" ]] || return 0
  say "making a PostgreSQL cluster in $data"
  rm -f -- "$SECRETS/postgres.password"
  (umask 077 && printf '*:*:*:postgres:%s\n' "$(cat "$(secret_file postgres.password)")" >"$SECRETS/pgpass")
  password_file="$(mktemp /tmp/tokenwatch-pw.XXXXXX)"
  cat "$SECRETS/postgres.password" >"$password_file"
  give_to_server "$password_file"
  if ! as_server "$PG_BIN/initdb" -D "$data" -U postgres -A scram-sha-256 --pwfile="$password_file" -E UTF8 \
    --locale=C.UTF-8 >"$LOGS/initdb.log" 2>&1; then
    rm -f -- "$password_file"
    tail -n 5 "$LOGS/initdb.log" >&2
    die 70 "initdb failed; the whole output is in $LOGS/initdb.log"
  fi
  rm -f -- "$password_file"
}

free_port() {
  "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_cluster() {
  local data socket port attempt
  [[ -x "$PG_BIN/postgres" ]] || die 69 "PostgreSQL 15 is not in $PG_BIN: ./dev deps installs postgresql-15"
  ! is_root || id "$PG_USER" >/dev/null 2>&1 ||
    die 69 "there is no user \"$PG_USER\" to run PostgreSQL as: ./dev deps installs postgresql-15, which makes it"
  place_cluster
  make_cluster
  data="$(readlink -f "$RUN/pg")"
  # A socket's whole path may have 107 bytes, which a checkout's own path can exceed.
  socket="$(mktemp -d /tmp/tw.XXXXXX)"
  give_to_server "$socket"
  printf '%s' "$socket" >"$RUN/pg.socket"
  # The port is free when we ask, and perhaps no longer when the server does.
  for attempt in 1 2 3 4 5; do
    port="$(free_port)"
    printf '%s' "$port" >"$RUN/pg.port"
    : >"$LOGS/postgres.log"
    ! is_root || spawn_options=(--reuid="$PG_USER" --regid="$PG_USER" --init-groups)
    cd /
    spawn postgres "$PG_BIN/postgres" -D "$data" -p "$port" -c listen_addresses=127.0.0.1 \
      -c unix_socket_directories="$socket" -c shared_buffers=256MB -c max_wal_size=4GB -c max_connections=200 \
      -c password_encryption=scram-sha-256 -c jit=off
    cd "$ROOT" || exit
    # shellcheck disable=SC2034  # read by spawn
    spawn_options=()
    if wait_for_cluster; then
      return 0
    fi
    grep -q 'Address already in use' "$LOGS/postgres.log" || break
  done
  tail -n 5 "$LOGS/postgres.log" >&2
  die 70 "PostgreSQL did not start (attempt $attempt); its log is $LOGS/postgres.log"
}

wait_for_cluster() {
  local deadline=$((SECONDS + 60))
  while [[ $SECONDS -lt $deadline ]]; do
    is_alive postgres || return 1
    if "$PG_BIN/pg_isready" -q -h "$(cat "$RUN/pg.socket")" -p "$(cat "$RUN/pg.port")"; then
      return 0
    fi
    sleep 0.05
  done
  return 1
}

# A stopped cluster's data, wherever it is.
remove_cluster() {
  [[ -e "$RUN/pg" || -L "$RUN/pg" ]] || return 0
  local data
  data="$(readlink -f "$RUN/pg")"
  rm -f -- "$RUN/pg" 2>/dev/null || true
  [[ -z "$data" || ! -d "$data" ]] || rm -rf -- "$data"
}

# The demonstration's databases, made anew; each service's password and DSN in files of their own.
make_databases() {
  local service
  export TOKENWATCH_SECRETS="$SECRETS"
  for service in detector resolver pricing; do
    secret_file "$service.password" >/dev/null
    (umask 077 && printf 'host=%s port=%s dbname=platform user=%s password=%s' "$(cat "$RUN/pg.socket")" \
      "$(cat "$RUN/pg.port")" "$service" "$(cat "$SECRETS/$service.password")" >"$SECRETS/$service.dsn")
  done
  psql_admin postgres -f "$LOCAL/databases.sql" >"$LOGS/databases.log" 2>&1 ||
    die 70 "the databases could not be made: $(grep -m 1 -i error "$LOGS/databases.log")"
}
