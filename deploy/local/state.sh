# What ./dev run keeps on disk and which processes it started; sourced after lib.sh.
#
#   .run/processes     one line a process: name, pid, start time in clock ticks since boot
#   .run/secrets/      passwords and DSN files, for the user who started it alone
#   .run/log/          one log a process
#   .run/endpoints.json  the services' addresses, where the client finds them; there while they run
#   .run/session.jsonl.gz, simulated.jsonl.gz, truth.json, references.jsonl  what was replayed, see session.sh
#   .run/pg            the cluster's data, or a link to it where the server's user cannot enter this checkout
# shellcheck disable=SC2034  # used by the files that source this one
RUN="$ROOT/.run"
SECRETS="$RUN/secrets"
LOGS="$RUN/log"
PROCESSES="$RUN/processes"
ENDPOINTS="$RUN/endpoints.json"

# One ./dev run or ./dev down at a time in one checkout. The lock is on a file that no command removes, and its
# descriptor is closed in every process that is started, so that it ends with this shell.
take_lock() {
  exec 9<"$ROOT/dev"
  flock -n 9 || die 75 "another ./dev run or ./dev down is at work in $ROOT: wait for it or stop it with Ctrl-C"
}

make_state_dirs() {
  mkdir -p "$RUN" "$SECRETS" "$LOGS"
  chmod 711 "$RUN"
  chmod 700 "$SECRETS"
  touch "$PROCESSES"
}

# start_ticks PID: when the process started; nothing when there is none (a zombie counts as none). Together with the
# pid this names a process for good, while a pid alone may have been given to somebody else since.
start_ticks() {
  local stat
  { stat="$(<"/proc/$1/stat")"; } 2>/dev/null || return 0
  # The name in parentheses may hold anything; the fields after it are plain: state is the first, start time the 20th.
  local fields
  read -ra fields <<<"${stat##*) }"
  [[ "${fields[0]}" == Z ]] || printf '%s' "${fields[19]}"
}

record_process() { printf '%s %s %s\n' "$1" "$2" "$(start_ticks "$2")" >>"$PROCESSES"; }

# is_alive NAME: whether the last recorded process of this name still runs.
is_alive() {
  local pid ticks
  read -r pid ticks < <(process_of "$1") || return 1
  [[ -n "$ticks" && "$(start_ticks "$pid")" == "$ticks" ]]
}

# process_of NAME: pid and start time of the last recorded process of this name.
process_of() {
  [[ ! -f "$PROCESSES" ]] ||
    awk -v name="$1" '$1 == name { line = $2 " " $3 } END { if (line) print line }' "$PROCESSES"
}

# running_processes: names of recorded processes that still run, newest first.
running_processes() {
  [[ -f "$PROCESSES" ]] || return 0
  local name pid ticks
  tac "$PROCESSES" | while read -r name pid ticks; do
    [[ -z "$ticks" || "$(start_ticks "$pid")" != "$ticks" ]] || printf '%s\n' "$name"
  done
}

# spawn NAME COMMAND...: starts a process in a session of its own (so that Ctrl-C reaches it through our trap, in the
# right order) with its output in .run/log. Unless it is to be kept it gets SIGTERM should this shell be killed.
# spawn_options holds further options of setpriv.
spawn_options=()
spawn() {
  local name="$1"
  shift
  local options=("${spawn_options[@]}")
  [[ -n "${keep:-}" ]] || options+=(--pdeathsig TERM)
  local wrapper=(setsid)
  [[ ${#options[@]} -eq 0 ]] || wrapper+=(setpriv "${options[@]}" --)
  "${wrapper[@]}" "$@" </dev/null >>"$LOGS/$name.log" 2>&1 9<&- &
  record_process "$name" "$!"
}

# stop_process NAME SIGNAL SECONDS: signals it and waits; when it does not end in time it is killed, and that is said.
stop_process() {
  local name="$1" signal="$2" limit_s="$3" pid ticks deadline
  is_alive "$name" || return 0
  read -r pid ticks < <(process_of "$name")
  kill -s "$signal" "$pid" 2>/dev/null || true
  deadline=$((SECONDS + limit_s))
  while is_alive "$name"; do
    if [[ $SECONDS -ge $deadline ]]; then
      warn "$name (pid $pid) did not stop within $limit_s s of SIG$signal and was killed"
      kill -s KILL "$pid" 2>/dev/null || true
      sleep 0.1
      return 0
    fi
    sleep 0.05
  done
}

# Everything that was started, newest first: who reads stops before who writes, and the database last. SIGINT is
# PostgreSQL's fast shutdown; the services drain on SIGTERM.
stop_everything() {
  local name
  rm -f -- "$ENDPOINTS"
  for name in $(running_processes); do
    if [[ "$name" == postgres ]]; then
      stop_process "$name" INT 60
    else
      stop_process "$name" TERM 30
    fi
  done
  if [[ -f "$RUN/pg.socket" ]]; then
    rm -rf -- "$(cat "$RUN/pg.socket")"
    rm -f -- "$RUN/pg.socket"
  fi
  [[ ! -f "$PROCESSES" ]] || : >"$PROCESSES"
}
